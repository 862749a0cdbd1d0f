# one busy phone of a user does not forward the call while the other rings
user 201
user 202 forward-busy=203
user 203
phone a 201 tls
phone b 202 tls
phone d 202 tls
phone c 203 tls
a sends INVITE 202 savp
b expects INVITE
b sends 486
b expects ACK
c expects nothing
d expects INVITE
d sends 486
d expects ACK
c expects INVITE "reason=user-busy"
c sends 486
c expects ACK
a expects 181
a expects 486
record has '"status":486'
