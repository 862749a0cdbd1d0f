# without an ACK for 64*T1 both sides get BYE
user 201
user 202
phone a 201 tls
phone b 202 tls
a sends INVITE 202 savp
b expects INVITE
b sends 200 savp
b expects ACK
elapse 33s
a forgets
b expects BYE
b sends 200 to
elapse 3s
record has '"ended_by":"no ACK"'
