# From must be the user that signed in: 403, RF-503
user 201
user 202
user 203
phone a 201 tls
phone b 202 tls
a sends INVITE 202 savp "From-Test: x"
b sends 486
a expects 486
a pretends 203
a sends INVITE 202 savp
a expects 403 RF-503
