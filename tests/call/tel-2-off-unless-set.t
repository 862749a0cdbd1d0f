# a connection that says nothing of TLS and SRTP has both off, each way: UDP and plain RTP are offered and taken (TEL-2)
user 201
phone a 201 tls
phone carrier +4930123456 udp unregistered
connection carrier type=ip side=customer allow=192.0.2.11 server=192.0.2.11
number 100 connection=carrier to=201
route out match=+* use=carrier
a sends INVITE +4930123456 savp
carrier expects INVITE avp "SIP/2.0/UDP" !"a=crypto" !"transport=tls"
carrier sends 200 avp
carrier expects ACK
a expects 200 savp
a sends ACK
relay leg A encrypted required
relay leg B clear
a sends BYE
a expects 200
carrier expects BYE
carrier sends 200 to
carrier sends INVITE 100 avp
a expects INVITE savp
a sends 200 savp
a expects ACK
carrier expects 200 avp !"a=crypto"
carrier sends ACK
relay leg A clear
relay leg B encrypted required
carrier sends BYE
carrier expects 200
a expects BYE
a sends 200 to
