# both sides send BYE at once: both get 200 or 481, nothing is left
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
a sends BYE
b sends BYE
a expects 200
b expects BYE
b sends 200 to
b expects 200
records 1
