# SRTP is set for each direction by itself: of a platform, inbound is what it sends to the connection's owner (TEL-37)
user 201
phone a 201 tls
phone one +4930111 tls unregistered
phone two +4930222 tls unregistered
connection one type=ip allow=192.0.2.11 server=192.0.2.11 inbound.srtp=required outbound.srtp=off inbound.sip-transport-protocol=TLS
connection two type=ip allow=192.0.2.12 server=192.0.2.12 inbound.srtp=off outbound.srtp=required inbound.sip-transport-protocol=TLS
number 100 "connection=one two" to=201
route one match=1* use=one
route two match=2* use=two
a sends INVITE 11 savp
one expects INVITE savp
one sends 486
one expects ACK
a expects 486
one sends INVITE 100 avp
a expects INVITE savp
a sends 200 savp
a expects ACK
one expects 200 avp
one sends ACK
one sends BYE
one expects 200
a expects BYE
a sends 200 to
a sends INVITE 22 savp
two expects INVITE avp
two sends 486
two expects ACK
a expects 486
two sends INVITE 100 avp
two expects 488 'Reason: Q.850;cause=88;text="INCOMPATIBLE_DESTINATION"'
a expects nothing
record has RF-301
