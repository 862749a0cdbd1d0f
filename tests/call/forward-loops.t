# circles are refused: two users that forward to each other, a user back to its caller, a chain that is too long
user 201
user 202 forward-always=203
user 203 forward-always=202
user 204 forward-busy=201
user 205 forward-no-answer=202
phone a 201 tls
phone d 204 tls
a sends INVITE 202 savp
a expects 482 "RF-518"
record has '"code":"RF-518"' "forwarded by 202 to 203" "forwarded by 203 to 202"
a sends INVITE 204 savp
d expects INVITE
d sends 486
d expects ACK
a expects 482 "RF-518"
a sends INVITE 205 savp
a expects 482
