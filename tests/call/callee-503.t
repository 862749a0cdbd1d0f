# 503 from a phone is not relayed as ours (RFC 3261 16.7)
user 201
user 202
phone a 201 tls
phone b 202 tls
a sends INVITE 202 savp
b sends 503
a expects 500
