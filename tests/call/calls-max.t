# the worker is full: 503, RF-512
set calls-max 1
user 201
user 202
phone a 201 tls
phone b 202 tls
a sends INVITE 202 savp
b expects INVITE savp
b sends 200 savp
b expects ACK
a expects 200 savp
a sends ACK
b sends INVITE 201 savp
b expects 503 RF-512
a sends BYE
a expects 200
b expects BYE
b sends 200 to
