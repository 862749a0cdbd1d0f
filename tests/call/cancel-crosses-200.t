# CANCEL crosses the callee's 200: the answer gets ACK and BYE
user 201
user 202
phone a 201 tls
phone b 202 tls
a sends INVITE 202 savp
b expects INVITE
b sends 180
a expects 180
a sends CANCEL
a expects 200
a expects 487
b expects CANCEL
b sends 200 savp
b expects ACK
b expects BYE
b sends 200 to
record has '"status":487'
