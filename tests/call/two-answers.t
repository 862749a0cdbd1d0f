# two phones answer at once: the second gets ACK and BYE
user 201
user 202
phone a 201 tls
phone b 202 tls
phone c 202 tls
a sends INVITE 202 savp
b expects INVITE
c expects INVITE
b sends 180
b sends 200 savp
b expects ACK
c sends 200 savp
c expects ACK
c expects BYE
c sends 200 to
a expects 180
a expects 200
a sends ACK
a expects nothing
a sends BYE
a expects 200
b expects BYE
b sends 200 to
