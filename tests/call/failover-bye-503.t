# 503 to our BYE: the next target at once, and Retry-After is kept; when none is left the call ends here (RFC 3263 4.3)
user 201
user 202
phone a 201 tls
phone b 202 tls
phone b2 202 tls unregistered
phone b3 202 tls unregistered
b leads to b2 b3
a sends INVITE 202 savp
b expects INVITE
b sends 200 savp
b expects ACK
a expects 200
a sends ACK
a sends BYE
a expects 200
b expects BYE
b sends 503 "Retry-After: 90" to
b aside 1 retry-after=90
b2 expects BYE
b2 sends 503 to
b3 expects BYE
b3 sends 503 to
b expects nothing
record has '"status":200'
calls 0
