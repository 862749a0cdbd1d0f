# 302 to another domain is a failure; the caller never sees the address
user 201
user 202
phone a 201 tls
phone b 202 tls
a sends INVITE 202 savp
b sends 302 "Contact: <sip:900123@carrier.example>"
a expects 480 !"carrier"
