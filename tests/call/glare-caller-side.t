# 491 from the caller's phone: we do not own its Call-ID and try again within 2 s
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
b sends reINVITE savp dir=sendonly ver=2
a expects INVITE
a sends 491
a expects ACK
elapse 2001ms
a expects INVITE
a sends 200 savp dir=recvonly
a expects ACK
b expects 200
b sends ACK
a sends BYE
a expects 200
b expects BYE
b sends 200 to
