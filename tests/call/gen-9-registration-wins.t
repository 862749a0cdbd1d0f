# the contact of a dn counts only while its user is not registered (GEN-9)
user 201
user 202
phone a 201 tls
phone b 202 udp
phone desk 202 tls unregistered
dn 202 contact=192.0.2.12:5061;transport=tls
a sends INVITE 202 savp
b expects INVITE
desk expects nothing
b sends 486
b expects ACK
a expects 486
