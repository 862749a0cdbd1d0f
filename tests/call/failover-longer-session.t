# 422 from the next target is answered like one from the first
set session-expires 300
user 201
user 202
phone a 201 tls
phone b 202 tls
phone b2 202 tls unregistered
b leads to b2
a sends INVITE 202 savp
b expects INVITE "CSeq: 1 INVITE"
b sends 503
b expects ACK
b2 expects INVITE "CSeq: 1 INVITE"
b2 sends 422 "Min-SE: 900"
b2 expects ACK
b2 expects INVITE "CSeq: 2 INVITE" "Session-Expires: 900"
b2 sends 486
b2 expects ACK
a expects 486
