# one phone answers without encryption, the other still rings and wins
user 201
user 202
phone a 201 tls
phone b 202 tls
phone c 202 tls
a sends INVITE 202 savp
b expects INVITE
b sends 200 avp
b expects ACK
b expects BYE "cause=88"
b sends 200 to
a expects nothing
c expects INVITE
c sends 200 savp
c expects ACK
a expects 200 savp
a sends ACK
a sends BYE
c expects BYE
c sends 200 to
