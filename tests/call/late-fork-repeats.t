# a losing fork that repeats its 200 gets ACK again, BYE only once
user 201
user 202
phone a 201 tls
phone b 202 tls
a sends INVITE 202 savp
b expects INVITE
b sends 200 savp totag=f2
b expects ACK
b sends 200 savp totag=f1
b expects ACK
b expects BYE
b sends 200 savp totag=f1
b expects ACK
b expects nothing
b sends 200 savp totag=f2
b expects ACK ";tag=f2"
a expects 200
a sends ACK
a sends BYE
b expects BYE
