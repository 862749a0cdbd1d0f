# a phone that never answers our BYE leaves nothing behind (timer F)
user 201
user 202
phone a 201 udp
phone b 202 udp
a sends INVITE 202 savp
b expects INVITE
b sends 200 savp
a expects 200
a sends ACK
a sends BYE
b forgets
elapse 33s
