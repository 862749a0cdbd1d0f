# media-handling-mode bypass: addresses and keys pass unchanged, the relay stays out, nothing is proven (TEL-33)
user 201
phone a 201 tls
phone carrier +4930123456 tls unregistered
connection carrier type=ip side=customer allow=192.0.2.11 server=192.0.2.11 outbound.srtp=required inbound.srtp=required outbound.sip-transport-protocol=TLS
number 100 connection=carrier to=201 media-handling-mode=bypass
route out match=+* use=carrier media-handling-mode=bypass
carrier sends INVITE 100 savp port=41000
a expects INVITE savp "m=audio 41000 RTP/SAVP" "c=IN IP4 192.0.2.11" "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" "o=+4930123456"
a sends 183 savp port=42000
carrier expects 183 "m=audio 42000" "c=IN IP4 192.0.2.10" savp
a sends 200 savp
a expects ACK
carrier expects 200 "m=audio 42000 RTP/SAVP" "c=IN IP4 192.0.2.10"
carrier sends ACK
elapse 3s
shown has '"verdict":"UNPROVEN"' '"bypass":true' '"protection":"unverified"'
carrier sends reINVITE savp port=41010 ver=2
a expects INVITE "m=audio 41010"
a sends 200 savp port=42010 ver=2
a expects ACK
carrier expects 200 "m=audio 42010"
carrier sends ACK
carrier sends BYE
carrier expects 200
a expects BYE
a sends 200 to
record has '"verdict_min":"UNPROVEN"' '"code":"RF-307"' '"protection":"unverified"'
record lacks inline
a sends INVITE +49301 avp port=42000
carrier expects INVITE avp "m=audio 42000 RTP/AVP" "c=IN IP4 192.0.2.10"
carrier sends 486
carrier expects ACK
a expects 486
left nothing
