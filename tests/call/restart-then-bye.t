# signal is killed while a call is up: a BYE on a new connection ends it with a complete record
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
packets A in 10 enc
packets A out 10 enc
packets B in 10 enc
packets B out 10 enc
elapse 5s
restart
calls 1
a returns
b returns
b sends BYE
b expects 200
a expects BYE "Call-ID: c"
a sends 200 to
record has '"verdict_min":"ENCRYPTED"' '"ended_by":"callee"' '"restored":true' '"sign_in":"SHA-256"' '"authentic":10' TLS_AES_256_GCM_SHA384 '"seconds":5'
