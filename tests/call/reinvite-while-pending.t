# a second re-INVITE before the first was answered: 500 with Retry-After (RFC 3261 14.2)
include scenes/call-up.scene
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
