# a 180 that comes after the 200 changes nothing
user 201
user 202
phone a 201 tls
phone b 202 tls
a sends INVITE 202 savp
b expects INVITE
b sends 200 savp
b sends 180
b expects ACK
a expects 200
a sends ACK
a expects nothing
a sends BYE
a expects 200
b expects BYE
b sends 200 to
