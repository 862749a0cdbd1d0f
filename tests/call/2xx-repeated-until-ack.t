# our 200 is repeated T1..T2 until the ACK comes, also over TLS (RFC 3261 13.3.1.4)
user 201
user 202
phone a 201 tls
phone b 202 tls
a sends INVITE 202 savp
b sends 200 savp
a expects 200
elapse 501ms
a expects 200 again
elapse 1s
a expects 200 again
elapse 2s
a expects 200 again
elapse 4s
a expects 200 again
elapse 4s
a expects 200 again
a sends ACK
elapse 10s
a expects nothing
a sends BYE
a expects 200
b expects INVITE
b expects ACK
b expects BYE
b sends 200 to
