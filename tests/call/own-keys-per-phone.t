# each phone that rings has a Call-ID and keys of its own
user 201
user 202
phone a 201 tls
phone b 202 tls
phone c 202 tls
a sends INVITE 202 savp
b expects INVITE "Call-ID: rf"
c expects INVITE "Call-ID: rf"
b sends 486
c sends 486
a expects 486
