# BYE to a UDP target that says nothing: timer F, then the next target of the phone's binding (RFC 3263 4.3)
user 201
user 202
phone a 201 tls
phone b 202 udp
phone b2 202 udp unregistered
b leads to b2
a sends INVITE 202 savp
b expects INVITE
b sends 200 savp
b expects ACK
a expects 200
a sends ACK
a sends BYE
a expects 200
b expects BYE
elapse 3s
records 1
record has "no answer yet"
elapse 28s
b2 expects nothing
elapse 2s
b aside 1
b2 expects BYE
b2 sends 200 to
calls 0
