# a callee that does not answer our re-INVITE must not hold up who sent UPDATE beyond its own timer
user 201
user 202
phone a 201 tls
phone b 202 tls
a sends INVITE 202 savp
b expects INVITE savp
b sends 200 savp
b expects ACK
a expects 200 savp
a sends ACK
a sends UPDATE savp dir=sendonly ver=2
b expects INVITE
b sends 100
elapse 17s
b expects CANCEL
b sends 200 to
b sends 487
b expects ACK
a expects 487
a sends BYE
a expects 200
b expects BYE
b sends 200 to
