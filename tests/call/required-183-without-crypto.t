# 183 without crypto: CANCEL with cause 88, the caller gets 488 (TEL-31)
user 201
user 202
phone a 201 tls
phone b 202 tls
a sends INVITE 202 savp
b expects INVITE
b sends 183 avp
b expects CANCEL "cause=88"
relay unbridged
a expects 488 "cause=88"
b sends 200 to
b sends 487
b expects ACK
