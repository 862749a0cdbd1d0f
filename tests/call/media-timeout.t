# no media from one side for the time allowed: both get BYE, RF-404
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
relay timeout B
a expects BYE
a sends 200 to
b expects BYE
b sends 200 to
record has RF-404 '"ended_by":"media timeout"'
