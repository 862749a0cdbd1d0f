# calls per user and in all: 503 with Retry-After, RF-512
set calls-per-user 1
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
phone c 201 tls
c sends INVITE 202 savp
c expects 503 RF-512 "Retry-After:"
a sends BYE
a expects 200
b expects BYE
b sends 200 to
b forgets
c sends INVITE 202 savp
b expects INVITE
b sends 486
c expects 486
