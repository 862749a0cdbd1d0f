# the phone's connection is gone: 480 at once, RF-504 (GEN-13)
user 201
user 202
phone a 201 tls
phone b 202 tls
b leaves
a sends INVITE 202 savp
a expects 480 RF-504
b returns
a sends INVITE 202 savp
b expects INVITE
b sends 486
a expects 486
