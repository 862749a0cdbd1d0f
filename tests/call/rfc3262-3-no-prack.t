# RFC 3262 3: no PRACK for 32 s: the INVITE is refused with 5xx
user 201
user 202
phone a 201 tls
phone b 202 tls
a sends INVITE 202 savp "Require: 100rel"
b expects INVITE savp
b sends 180
a expects 180
elapse 33s
a forgets
b expects CANCEL
b sends 200 to
b sends 487
b expects ACK
record has '"status":500' '"ended_by":"no PRACK"'
