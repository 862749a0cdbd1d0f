# a callee that must use TLS is not rung at a binding made by UDP (IPC-24)
user 201
user 202 tls
phone a 201 tls
phone b 202 udp
a sends INVITE 202 savp
b expects nothing
a expects 480 RF-510
