# SRTP off on a connection that offers suites all the same: honoured under RTP/SAVP and RTP/AVP, its media is encrypted until it asks for plain RTP itself (TEL-36)
user 201 off
phone a 201 udp
phone carrier +4930123456 tls unregistered
connection carrier type=ip side=customer allow=192.0.2.11
number 100 connection=carrier to=201
carrier sends INVITE 100 savp tag=5
a expects INVITE avp
a sends 200 avp
a expects ACK
carrier expects 200 savp "a=crypto:5 AES_CM_128_HMAC_SHA1_80 inline:"
carrier sends ACK
relay leg A encrypted required sends listens
relay leg B clear
carrier sends BYE
carrier expects 200
a expects BYE
a sends 200 to
carrier sends INVITE 100 avp+crypto tag=3
a expects INVITE avp
a sends 200 avp
a expects ACK
carrier expects 200 avp+crypto "a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:"
carrier sends ACK
relay leg A encrypted required sends listens
carrier sends reINVITE avp ver=2
carrier expects 200 avp
carrier sends ACK
relay leg A clear
carrier sends BYE
carrier expects 200
a expects BYE
a sends 200 to
carrier sends INVITE 100 savp-plain
carrier expects 488 'Reason: Q.850;cause=88;text="INCOMPATIBLE_DESTINATION"'
a expects nothing
