# a bypass call is transferred: from then on the relay is between them
user 201
user 203
phone a 201 tls
phone c 203 tls
phone carrier +4930123456 tls unregistered
connection carrier type=ip side=customer allow=192.0.2.12 server=192.0.2.12 outbound.srtp=required inbound.srtp=required outbound.sip-transport-protocol=TLS
number 100 connection=carrier to=201 media-handling-mode=bypass
carrier sends INVITE 100 savp port=41000
a expects INVITE savp "m=audio 41000 RTP/SAVP"
a sends 200 savp port=42000
a expects ACK
carrier expects 200 "m=audio 42000" savp
carrier sends ACK
a sends REFER "Refer-To: <sip:203@pbx.example>"
a expects 202
a expects NOTIFY "100"
a sends 200 to
c expects INVITE savp !"41000" !"192.0.2.12"
c sends 200 savp key=4
c expects ACK
a expects NOTIFY "200 OK"
a sends 200 to
a expects BYE
a sends 200 to
carrier expects INVITE savp !"42000"
carrier sends 200 savp key=5 ver=2
carrier expects ACK
relay leg A encrypted required sends listens
relay leg B encrypted required sends listens
carrier sends BYE
carrier expects 200
c expects BYE
c sends 200 to
