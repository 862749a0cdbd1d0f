# connections by address and by name choose the transport of our calls in their settings (TEL-17)
user 201
phone a 201 tls
phone udp + udp unregistered
phone tcp + tcp unregistered
phone tls + tls unregistered
connection udp type=ip side=customer allow=192.0.2.99 server=192.0.2.11 outbound.sip-transport-protocol=UDP
connection tcp type=fqdn side=customer server=192.0.2.12 outbound.sip-transport-protocol=TCP
connection tls type=fqdn side=customer server=192.0.2.13 outbound.sip-transport-protocol=TLS
route a match=1* use=udp
route b match=2* use=tcp
route c match=3* use=tls
a sends INVITE 11 savp
udp expects INVITE "Via: SIP/2.0/UDP "
udp sends 486
udp expects ACK
a expects 486
a sends INVITE 22 savp
tcp expects INVITE "Via: SIP/2.0/TCP "
tcp sends 486
tcp expects ACK
a expects 486
a sends INVITE 33 savp
tls expects INVITE "Via: SIP/2.0/TLS "
tls sends 486
tls expects ACK
a expects 486
