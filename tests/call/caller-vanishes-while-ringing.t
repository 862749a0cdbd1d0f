# the caller's connection breaks while it rings: the phone stops ringing
user 201
user 202
phone a 201 tls
phone b 202 tls
a sends INVITE 202 savp
b expects INVITE
b sends 180
a leaves
b expects CANCEL
b sends 200 to
b sends 487
b expects ACK
record has "caller's connection"
