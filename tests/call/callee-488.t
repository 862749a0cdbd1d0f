# the only phone's 488 is passed on
user 201
user 202
phone a 201 tls
phone b 202 tls
a sends INVITE 202 savp
b sends 488
a expects 488
