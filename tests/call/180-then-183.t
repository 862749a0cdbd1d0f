# each new provisional status reaches the caller once
user 201
user 202
phone a 201 tls
phone b 202 tls
a sends INVITE 202 savp
b expects INVITE
b sends 180
b sends 180
b sends 181
a expects 180
a expects 181
a expects nothing
b sends 486
a expects 486
