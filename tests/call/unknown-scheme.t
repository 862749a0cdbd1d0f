# a Request-URI of an unknown scheme: 416
user 201
user 202
phone a 201 tls
phone b 202 tls
a sends INVITE unknown:202 savp
a expects 416
