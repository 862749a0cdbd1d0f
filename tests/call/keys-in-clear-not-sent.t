# strict callee on UDP: no keys leave to it, the caller gets 488
user 201
user 202 strict
phone a 201 tls
phone b 202 udp
a sends INVITE 202 savp
b expects nothing
a expects 488 RF-309
