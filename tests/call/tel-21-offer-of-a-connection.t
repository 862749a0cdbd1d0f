# SRTP on: our INVITE has RTP/SAVP and the suites in the order of the page, tags from 1, none that authenticates nothing, then those of the RFC (TEL-21)
user 201
phone a 201 tls
phone one + tls unregistered
phone two + tls unregistered
connection one type=ip allow=192.0.2.11 server=192.0.2.11 inbound.srtp=required inbound.sip-transport-protocol=TLS
connection two type=ip allow=192.0.2.12 server=192.0.2.12 inbound.srtp=optional inbound.sip-transport-protocol=TLS
route one match=1* use=one
route two match=2* use=two
a sends INVITE 11 savp key=33
one expects INVITE savp "m=audio" " RTP/SAVP " "a=crypto:1 AEAD_AES_256_GCM_8 inline:" "a=crypto:2 AEAD_AES_128_GCM_8 inline:" "a=crypto:3 AES_256_CM_HMAC_SHA1_80 inline:" "a=crypto:4 AES_192_CM_HMAC_SHA1_80 inline:" "a=crypto:5 AES_CM_128_HMAC_SHA1_80 inline:" "a=crypto:6 AES_256_CM_HMAC_SHA1_32 inline:" "a=crypto:7 AES_192_CM_HMAC_SHA1_32 inline:" "a=crypto:8 AES_CM_128_HMAC_SHA1_32 inline:" "a=crypto:9 AEAD_AES_256_GCM inline:" "a=crypto:10 AEAD_AES_128_GCM inline:" !"a=crypto:11" !"NULL" !"|"
one sends 200 savp tag=5 suite=AES_CM_128_HMAC_SHA1_80
one expects ACK
a expects 200 savp
a sends ACK
relay leg B encrypted required
a sends reINVITE savp dir=sendonly ver=2
one expects INVITE savp dir=sendonly
one sends 200 savp tag=5 suite=AES_CM_128_HMAC_SHA1_80 dir=recvonly
one expects ACK
a expects 200 savp
a sends ACK
a sends BYE
a expects 200
one expects BYE
one sends 200 to
a sends INVITE 22 savp
two expects INVITE avp+crypto "a=crypto:5 AES_CM_128_HMAC_SHA1_80 inline:"
two sends 486
two expects ACK
a expects 486
