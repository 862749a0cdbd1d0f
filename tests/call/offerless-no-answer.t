# the ACK of an offerless call has no answer: both sides get BYE
user 201
user 202
phone a 201 tls
phone b 202 tls
a sends INVITE 202
b expects INVITE no-sdp
b sends 200 savp
a expects 200 savp
a sends ACK
b expects ACK
b expects BYE
b sends 200 to
a expects BYE
a sends 200 to
record has RF-514
