# a device that does not register is reached at its contact, with its transport in the Request-URI (GEN-22, GEN-10)
user 201
phone a 201 tls
phone door 301 tls unregistered
dn 301 contact=192.0.2.11:5061;transport=tls srtp=required
a sends INVITE 301 savp
door expects INVITE "INVITE sip:301@192.0.2.11:5061;transport=tls SIP" "Via: SIP/2.0/TLS " savp
door sends 200 savp
door expects ACK
a expects 200 savp
a sends ACK
a sends BYE
a expects 200
door expects BYE
door sends 200 to
