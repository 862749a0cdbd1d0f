# 486 from the only phone reaches the caller
user 201
user 202
phone a 201 tls
phone b 202 tls
a sends INVITE 202 savp
b expects INVITE
b sends 486
b expects ACK
a expects 486
a expects nothing
record has '"status":486' '"ended_by":"callee"'
