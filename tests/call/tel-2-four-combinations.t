# TLS and SRTP of a connection are independent: all four combinations place a call (TEL-2); TLS without SRTP is plain RTP (TEL-11)
user 201
phone a 201 tls
phone udp + udp unregistered
phone tls + tls unregistered
connection neither type=ip side=customer allow=192.0.2.99 server=192.0.2.11 outbound.sip-transport-protocol=UDP outbound.srtp=off
connection srtp type=ip side=customer allow=192.0.2.98 server=192.0.2.11 outbound.sip-transport-protocol=UDP outbound.srtp=required
connection tls type=ip side=customer allow=192.0.2.97 server=192.0.2.12 outbound.sip-transport-protocol=TLS outbound.srtp=off
connection both type=ip side=customer allow=192.0.2.96 server=192.0.2.12 outbound.sip-transport-protocol=TLS outbound.srtp=required
route a match=1* use=neither
route b match=2* use=srtp
route c match=3* use=tls
route d match=4* use=both
a sends INVITE 11 savp
udp expects INVITE avp "SIP/2.0/UDP"
udp sends 200 avp
udp expects ACK
a expects 200 savp
a sends ACK
relay leg B clear
a sends BYE
a expects 200
udp expects BYE
udp sends 200 to
a sends INVITE 22 savp
udp expects INVITE savp "SIP/2.0/UDP"
udp sends 200 savp
udp expects ACK
a expects 200 savp
a sends ACK
relay leg B encrypted required
a sends BYE
a expects 200
udp expects BYE
udp sends 200 to
a sends INVITE 33 savp
tls expects INVITE avp "SIP/2.0/TLS"
tls sends 200 avp
tls expects ACK
a expects 200 savp
a sends ACK
relay leg B clear
a sends BYE
a expects 200
tls expects BYE
tls sends 200 to
a sends INVITE 44 savp
tls expects INVITE savp "SIP/2.0/TLS"
tls sends 200 savp
tls expects ACK
a expects 200 savp
a sends ACK
relay leg B encrypted required
a sends BYE
a expects 200
tls expects BYE
tls sends 200 to
