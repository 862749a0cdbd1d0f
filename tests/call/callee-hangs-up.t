# BYE from the callee ends the call on both sides
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
b sends BYE
b expects 200
a expects BYE
a sends 200 to
record has '"ended_by":"callee"'
