# CANCEL is quicker than the relay: its ports are given back
user 201
user 202
phone a 201 tls
phone b 202 tls
paths slow
a sends INVITE 202 savp
a sends CANCEL
a expects 200
a expects 487
paths come
b expects nothing
