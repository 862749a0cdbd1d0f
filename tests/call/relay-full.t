# no media port is free: 503, RF-512
relay full
user 201
user 202
phone a 201 tls
phone b 202 tls
a sends INVITE 202 savp
a expects 503 RF-512 "cause=41"
b expects nothing
