# a 603 outranks a busy phone (RFC 3261 16.7 step 6)
user 201
user 202
phone a 201 tls
phone b 202 tls
phone c 202 tls
a sends INVITE 202 savp
b sends 486
c sends 603
a expects 603
