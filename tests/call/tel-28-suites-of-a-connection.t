# the suites of a connection restrict what is offered to it and what is taken from it; none in common is 488 with cause 88 (TEL-28)
user 201
phone a 201 tls
phone carrier +4930123456 tls unregistered
connection carrier type=ip side=customer allow=192.0.2.11 server=192.0.2.11 "crypto-suites=AES_256_CM_HMAC_SHA1_80 AES_192_CM_HMAC_SHA1_80" inbound.srtp=required outbound.srtp=required outbound.sip-transport-protocol=TLS
number 100 connection=carrier to=201
route out match=+* use=carrier
a sends INVITE +4930123456 savp
carrier expects INVITE savp "a=crypto:1 AES_256_CM_HMAC_SHA1_80 " "a=crypto:2 AES_192_CM_HMAC_SHA1_80 " !"AES_CM_128" !"AEAD" !"a=crypto:3"
carrier sends 200 savp tag=2 suite=AES_192_CM_HMAC_SHA1_80
carrier expects ACK
a expects 200 savp
a sends ACK
relay leg B encrypted required
a sends BYE
a expects 200
carrier expects BYE
carrier sends 200 to
record has AES_192_CM_HMAC_SHA1_80
carrier sends INVITE 100 savp suite=AES_CM_128_HMAC_SHA1_80
carrier expects 488 'Reason: Q.850;cause=88;text="INCOMPATIBLE_DESTINATION"'
a expects nothing
record has RF-303
carrier sends INVITE 100 savp suite=AES_256_CM_HMAC_SHA1_80
a expects INVITE savp
a sends 200 savp
a expects ACK
carrier expects 200 savp "a=crypto:1 AES_256_CM_HMAC_SHA1_80 "
carrier sends ACK
carrier sends BYE
carrier expects 200
a expects BYE
a sends 200 to
