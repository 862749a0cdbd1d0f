# calls that come in: TLS and SRTP of a connection are independent in all four combinations, and each is demanded by itself (TEL-2)
user 201
phone a 201 tls
phone udp +4930111 udp unregistered
phone tls +4930222 tls unregistered
connection plain type=ip side=customer allow=192.0.2.11 inbound.srtp=off
connection tls type=ip side=customer allow=192.0.2.12 require-tls=on inbound.srtp=off
connection srtp type=ip side=customer allow=192.0.2.13 inbound.srtp=required
connection both type=ip side=customer allow=192.0.2.14 require-tls=on inbound.srtp=required
phone udp2 +4930333 udp unregistered
phone tls2 +4930444 tls unregistered
number 100 "connection=plain tls srtp both" to=201
udp sends INVITE 100 avp
a expects INVITE savp
a sends 200 savp
a expects ACK
udp expects 200 avp
udp sends ACK
relay leg A clear
udp sends BYE
udp expects 200
a expects BYE
a sends 200 to
tls sends INVITE 100 avp
a expects INVITE savp
a sends 200 savp
a expects ACK
tls expects 200 avp
tls sends ACK
relay leg A clear
tls sends BYE
tls expects 200
a expects BYE
a sends 200 to
udp2 sends INVITE 100 savp
a expects INVITE savp
a sends 200 savp
a expects ACK
udp2 expects 200 savp
udp2 sends ACK
relay leg A encrypted required
udp2 sends BYE
udp2 expects 200
a expects BYE
a sends 200 to
tls2 sends INVITE 100 savp
a expects INVITE savp
a sends 200 savp
a expects ACK
tls2 expects 200 savp
tls2 sends ACK
relay leg A encrypted required
tls2 sends BYE
tls2 expects 200
a expects BYE
a sends 200 to
udp2 sends INVITE 100 avp
udp2 expects 488 "cause=88"
tls2 sends INVITE 100 avp
tls2 expects 488 "cause=88"
a expects nothing
