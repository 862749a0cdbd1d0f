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
records 0
shown has '"state":"ended"'
elapse 3s
records 1
record has "no answer yet" '"ended_by":"caller"'
elapse 33s
