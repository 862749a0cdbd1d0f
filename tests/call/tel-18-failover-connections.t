# a route of three connections: 503, 480, then one that answers; 486 ends it (TEL-18)
user 201
phone a 201 tls
phone one + udp unregistered
phone two + udp unregistered
phone three + udp unregistered
connection c1 type=ip side=customer allow=192.0.2.11 server=192.0.2.11
connection c2 type=ip side=customer allow=192.0.2.12 server=192.0.2.12 number-format=e164-without-plus
connection c3 type=fqdn side=customer server=three.example outbound.srtp=required outbound.sip-transport-protocol=UDP
route out match=+* 'use=c1 c2 c3'
route two match=2* 'use=c1 c2'
a sends INVITE +4930123456 savp
one expects INVITE avp "sip:+4930123456@192.0.2.11"
one sends 503
one expects ACK
two expects INVITE avp "sip:4930123456@192.0.2.12"
two sends 480
two expects ACK
three expects INVITE savp "sip:+4930123456@three.example"
three sends 200 savp
three expects ACK
a expects 200 savp
a sends ACK
a sends BYE
a expects 200
three expects BYE
three sends 200 to
record has '"connection":"c3"'
a sends INVITE 2222 savp
one expects INVITE "CSeq: 1 INVITE"
one sends 486
one expects ACK
a expects 486
two expects nothing
elapse 40s
a sends INVITE 2222 savp
one expects INVITE
elapse 32.2s
two expects INVITE "sip:2222@192.0.2.12"
two sends 404
two expects ACK
a expects 404
