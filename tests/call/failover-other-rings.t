# one phone's server fails over while the other phone of the user answers: what is looked for is given up
user 201
user 202
phone a 201 tls
phone b 202 tls
phone c 202 tls
phone b2 202 tls unregistered
b leads to b2
a sends INVITE 202 savp
b expects INVITE
c expects INVITE
paths slow
b sends 503
b expects ACK
c sends 200 savp
c expects ACK
paths come
b2 expects nothing
a expects 200
a sends ACK
a sends BYE
a expects 200
c expects BYE
c sends 200 to
