# signal is killed while a phone rings: its late 200 gets ACK and BYE from the new process
user 201
user 202
phone a 201 tls
phone b 202 tls
a sends INVITE 202 savp
b expects INVITE
b sends 180
restart
calls 0
b returns
b sends 200 savp
b expects ACK
b expects BYE
b sends 200 to
stays
