# CANCEL while the next target is looked for, and while it rings: nobody else is asked
user 201
user 202
phone a 201 tls
phone b 202 tls
phone b2 202 tls unregistered
phone b3 202 tls unregistered
b leads to b2 b3
a sends INVITE 202 savp
b expects INVITE
paths slow
b sends 503
b expects ACK
a sends CANCEL
a expects 200 " CANCEL"
a expects 487
calls 0
paths come
b2 expects nothing
a sends INVITE 202 savp
b expects INVITE
b sends 503
b expects ACK
b2 expects INVITE
b2 sends 180
a expects 180
a sends CANCEL
a expects 200
a expects 487
b2 expects CANCEL
b2 sends 200 to CANCEL
b2 sends 503
b2 expects ACK
b3 expects nothing
