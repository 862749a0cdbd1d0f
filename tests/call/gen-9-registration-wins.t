# the contact of a dn counts only while its user is not registered: by UDP as it registered, else by TLS at its contact (GEN-9)
user 201
user 202
phone a 201 tls
phone b 202 udp
phone desk 202 tls unregistered
dn 202 contact=192.0.2.12:5061;transport=tls
a sends INVITE 202 savp
b expects INVITE "SIP/2.0/UDP"
desk expects nothing
b sends 486
b expects ACK
a expects 486
elapse 4000s
a sends INVITE 202 savp
b expects nothing
desk expects INVITE "SIP/2.0/TLS" ";transport=tls SIP/2.0"
desk sends 486
desk expects ACK
a expects 486
