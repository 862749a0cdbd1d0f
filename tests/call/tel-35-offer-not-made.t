# keys that must not leave in clear: a connection to which no offer can be made gives way to the next one; 503 with cause 88 when to none (TEL-35, TEL-12)
user 201
phone a 201 tls
phone udp + udp unregistered
phone tls + tls unregistered
set strict-keys 1
connection udp type=ip side=customer allow=192.0.2.11 server=192.0.2.11 outbound.srtp=required outbound.sip-transport-protocol=UDP
connection udp2 type=ip side=customer allow=192.0.2.21 server=192.0.2.11 outbound.srtp=required outbound.sip-transport-protocol=UDP
connection tls type=ip side=customer allow=192.0.2.12 server=192.0.2.12 outbound.srtp=required outbound.sip-transport-protocol=TLS
route out match=1* "use=udp tls"
route none match=2* "use=udp udp2"
route one match=3* use=udp
a sends INVITE 11 savp
udp expects nothing
tls expects INVITE savp
tls sends 200 savp
tls expects ACK
a expects 200 savp
a sends ACK
relay leg B encrypted required
a sends BYE
a expects 200
tls expects BYE
tls sends 200 to
a sends INVITE 21 savp
udp expects nothing
a expects 503 'Reason: Q.850;cause=88;text="INCOMPATIBLE_DESTINATION"' RF-309
a sends INVITE 31 savp
udp expects nothing
a expects 488 'Reason: Q.850;cause=88;text="INCOMPATIBLE_DESTINATION"' RF-309
