# the relay does not answer: 503 after 3 s
relay silent
user 201
user 202
phone a 201 tls
phone b 202 tls
a sends INVITE 202 savp
a expects nothing
elapse 3001ms
a expects 503 RF-512
relay back
