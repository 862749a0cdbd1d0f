# a second re-INVITE before the first was answered: 500 with Retry-After (RFC 3261 14.2)
user 201
user 202
phone a 201 tls
phone b 202 tls
a sends INVITE 202 savp
b expects INVITE savp
b sends 200 savp
b expects ACK
a expects 200 savp
a sends ACK
a sends reINVITE savp dir=sendonly ver=2
b expects INVITE
a sends reINVITE savp ver=3
a expects 500 "Retry-After:"
b sends 200 savp dir=recvonly
b expects ACK
a forgets
a sends BYE
b expects BYE
b sends 200 to
