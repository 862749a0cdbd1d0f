# TEL-33: a number with media-handling-mode bypass leads to a user who forwards: nothing goes out in clear where SRTP is required, nor is an answer in clear taken; with keys it passes us by
user 201 forward-always=+49301
phone pbx +4930123456 tls unregistered
phone carrier +4930123457 tls unregistered
connection pbx type=ip side=platform allow=192.0.2.10 server=192.0.2.10 outbound.srtp=off inbound.srtp=off outbound.sip-transport-protocol=TLS
connection carrier type=ip side=customer allow=192.0.2.11 server=192.0.2.11 outbound.srtp=required inbound.srtp=required outbound.sip-transport-protocol=TLS
number 100 connection=pbx to=201 media-handling-mode=bypass
route out match=+* use=carrier
pbx sends INVITE 100 avp port=41000
carrier expects nothing
pbx expects 181
pbx expects 488 "cause=88"
record has '"code":"RF-301"' 'sip-connection.carrier.outbound.srtp'
pbx sends INVITE 100 savp port=41000
carrier expects INVITE savp "m=audio 41000 RTP/SAVP"
carrier sends 200 avp port=42000
carrier expects ACK
carrier expects BYE
carrier sends 200 to
pbx expects 181
pbx expects 488 "cause=88" !"42000"
record has '"code":"RF-304"'
pbx sends INVITE 100 savp port=41000
carrier expects INVITE savp
carrier sends 200 savp port=42000
carrier expects ACK
pbx expects 181
pbx expects 200 "m=audio 42000 RTP/SAVP"
pbx sends ACK
pbx sends reINVITE avp port=41010 ver=2
carrier expects nothing
pbx expects 488
pbx sends BYE
pbx expects 200
carrier expects BYE
carrier sends 200 to
