# bypass: an UPDATE before the answer is not answered by us, who have no media in that call (TEL-33)
user 201
phone a 201 tls
phone carrier +4930123456 tls unregistered
connection carrier type=ip side=customer allow=192.0.2.11 server=192.0.2.11 outbound.srtp=required inbound.srtp=required outbound.sip-transport-protocol=TLS
number 100 connection=carrier to=201 media-handling-mode=bypass
carrier sends INVITE 100 savp port=41000 "Supported: 100rel"
a expects INVITE savp "m=audio 41000 RTP/SAVP"
a sends 183 savp port=42000
carrier expects 183 "m=audio 42000" savp
carrier sends PRACK rack
carrier expects 200
carrier sends UPDATE savp port=7700 key=9 ver=2
carrier expects 488
a sends 200 savp
a expects ACK
carrier expects 200
carrier sends ACK
carrier sends BYE
carrier expects 200
a expects BYE
a sends 200 to
