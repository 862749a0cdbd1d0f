# a user that must use TLS comes by UDP: 403, RF-510 (IPC-24)
user 201 tls
user 202
phone a 201 udp
phone b 202 tls
a sends INVITE 202 savp
a expects 403 RF-510 "Q.850;cause=21"
