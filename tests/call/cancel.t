# CANCEL from the caller: 200, 487, and CANCEL to every phone
user 201
user 202
phone a 201 tls
phone b 202 tls
phone c 202 udp
a sends INVITE 202 savp
b expects INVITE
c expects INVITE
b sends 180
c sends 180
a expects 180
a sends CANCEL
a expects 200
a expects 487
b expects CANCEL
b sends 200 to
b sends 487
b expects ACK
c expects CANCEL
c sends 200 to
c sends 487
c expects ACK
record has '"ended_by":"caller"' '"status":487'
