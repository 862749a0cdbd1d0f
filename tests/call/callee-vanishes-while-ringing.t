# the phone's connection breaks while it rings: 480, RF-504
user 201
user 202
phone a 201 tls
phone b 202 tls
a sends INVITE 202 savp
b expects INVITE
b sends 180
a expects 180
b leaves
a expects 480 RF-504
