# 503 from one target: the same INVITE goes to the next as a new transaction; Retry-After is kept (RFC 3263 4.3)
user 201
user 202
phone a 201 tls
phone b 202 tls
phone b2 202 tls unregistered
phone b3 202 tls unregistered
b leads to b2 b3
a sends INVITE 202 savp
b expects INVITE "CSeq: 1 INVITE"
b sends 100
b sends 503 "Retry-After: 120 (maintenance);duration=600"
b expects ACK
b aside 1 retry-after=120
a expects nothing
b2 expects INVITE "CSeq: 1 INVITE" savp
b2 sends 503
b2 expects ACK
b2 aside 1 retry-after=0
b3 expects INVITE "CSeq: 1 INVITE" savp
b3 sends 200 savp
b3 expects ACK
a expects 200
a sends ACK
b aside 1
b3 aside 0
a sends BYE
a expects 200
b3 expects BYE
b3 sends 200 to
record has '"status":200'
