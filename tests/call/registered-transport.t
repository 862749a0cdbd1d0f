# a phone is called over the transport by which it registered, on that very connection (TEL-16)
user 201
user 202
phone a 201 tls
phone b 202 tls
phone c 202 udp
a sends INVITE 202 savp
b expects INVITE "SIP/2.0/TLS"
c expects INVITE "SIP/2.0/UDP"
b sends 486
c sends 486
a expects 486
