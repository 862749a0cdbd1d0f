# SRTP keys over UDP: the call goes on and is never ENCRYPTED (TEL-12)
user 201
user 202
phone a 201 udp
phone b 202 tls
a sends INVITE 202 savp
b expects INVITE
b sends 200 savp
b expects ACK
a expects 200
a sends ACK
packets A in 10 enc
packets A out 10 enc
packets B in 10 enc
packets B out 10 enc
elapse 3s
shown has '"verdict":"PARTLY"' '"keys_in_clear":true' RF-309
a sends BYE
a expects 200
b expects BYE
b sends 200 to
record has '"verdict_min":"PARTLY"' '"keys_in_clear":true' RF-309
