# a route of several connections: a 488 leads to the next one, which gets the offer of its own policy; 503 with cause 88 when each was incompatible (TEL-35)
user 201
phone a 201 tls
phone one + tls unregistered
phone two + tls unregistered
connection one type=ip side=customer allow=192.0.2.11 server=192.0.2.11 outbound.srtp=required outbound.sip-transport-protocol=TLS
connection two type=ip side=customer allow=192.0.2.12 server=192.0.2.12 outbound.srtp=off outbound.sip-transport-protocol=TLS
connection gone type=credential username=gone password=secret
connection last type=ip side=customer allow=192.0.2.13 server=192.0.2.11 outbound.srtp=off outbound.sip-transport-protocol=TLS
route out match=1* "use=one two"
route alone match=2* use=one
route mixed match=3* "use=one gone"
route busy match=4* "use=one two last"
a sends INVITE 11 savp
one expects INVITE savp
one sends 488
one expects ACK
two expects INVITE avp !"a=crypto"
two sends 200 avp
two expects ACK
a expects 200 savp
a sends ACK
relay leg B clear
a sends BYE
a expects 200
two expects BYE
two sends 200 to
record has '"connection":"two"'
a sends INVITE 12 savp
one expects INVITE
one sends 488
one expects ACK
two expects INVITE
two sends 488
two expects ACK
a expects 503 'Reason: Q.850;cause=88;text="INCOMPATIBLE_DESTINATION"'
record has '"status":503'
a sends INVITE 21 savp
one expects INVITE
one sends 488
one expects ACK
a expects 488 'Reason: Q.850;cause=88;text="INCOMPATIBLE_DESTINATION"'
a sends INVITE 31 savp
one expects INVITE
one sends 488
one expects ACK
a expects 480 !"cause=88"
a sends INVITE 41 savp
one expects INVITE
one sends 488
one expects ACK
two expects INVITE
two sends 486
two expects ACK
one expects nothing
a expects 486 !"cause=88"
