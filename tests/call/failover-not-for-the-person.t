# 404, 480, 486 and 603 speak of the person called: no other server of the place is asked
user 201
user 202
phone a 201 tls
phone b 202 tls
phone b2 202 tls unregistered
b leads to b2
a sends INVITE 202 savp
b expects INVITE
b sends 486
b expects ACK
b2 expects nothing
a expects 486
a sends INVITE 202 savp
b expects INVITE
b sends 404
b expects ACK
b2 expects nothing
a expects 404
a sends INVITE 202 savp
b expects INVITE
b sends 480
b expects ACK
b2 expects nothing
a expects 480
a sends INVITE 202 savp
b expects INVITE
b sends 603
b expects ACK
b2 expects nothing
a expects 603
b aside 0
