# each of the nine suites alone: the offer is answered with its tag and that suite, and media is encrypted (TEL-20, TEL-22)
user 201
phone a 201 tls
phone office +4930111 tls unregistered
connection office type=ip allow=192.0.2.11 server=192.0.2.11 allow-null-auth=on inbound.srtp=required outbound.srtp=required
number 100 connection=office to=201
office sends INVITE 100 savp suite=AEAD_AES_256_GCM_8 tag=3
a expects INVITE savp
a sends 200 savp
a expects ACK
office expects 200 savp "a=crypto:3 AEAD_AES_256_GCM_8 inline:" !"a=crypto:4"
office sends ACK
relay leg A encrypted required
office sends BYE
office expects 200
a expects BYE
a sends 200 to
record has AEAD_AES_256_GCM_8
office sends INVITE 100 savp suite=AEAD_AES_128_GCM_8 tag=4
a expects INVITE savp
a sends 200 savp
a expects ACK
office expects 200 savp "a=crypto:4 AEAD_AES_128_GCM_8 inline:" !"a=crypto:5"
office sends ACK
relay leg A encrypted required
office sends BYE
office expects 200
a expects BYE
a sends 200 to
record has AEAD_AES_128_GCM_8
office sends INVITE 100 savp suite=AES_256_CM_HMAC_SHA1_80 tag=5
a expects INVITE savp
a sends 200 savp
a expects ACK
office expects 200 savp "a=crypto:5 AES_256_CM_HMAC_SHA1_80 inline:" !"a=crypto:6"
office sends ACK
relay leg A encrypted required
office sends BYE
office expects 200
a expects BYE
a sends 200 to
record has AES_256_CM_HMAC_SHA1_80
office sends INVITE 100 savp suite=AES_192_CM_HMAC_SHA1_80 tag=6
a expects INVITE savp
a sends 200 savp
a expects ACK
office expects 200 savp "a=crypto:6 AES_192_CM_HMAC_SHA1_80 inline:" !"a=crypto:7"
office sends ACK
relay leg A encrypted required
office sends BYE
office expects 200
a expects BYE
a sends 200 to
record has AES_192_CM_HMAC_SHA1_80
office sends INVITE 100 savp suite=AES_CM_128_HMAC_SHA1_80 tag=7
a expects INVITE savp
a sends 200 savp
a expects ACK
office expects 200 savp "a=crypto:7 AES_CM_128_HMAC_SHA1_80 inline:" !"a=crypto:8"
office sends ACK
relay leg A encrypted required
office sends BYE
office expects 200
a expects BYE
a sends 200 to
record has AES_CM_128_HMAC_SHA1_80
office sends INVITE 100 savp suite=AES_256_CM_HMAC_SHA1_32 tag=8
a expects INVITE savp
a sends 200 savp
a expects ACK
office expects 200 savp "a=crypto:8 AES_256_CM_HMAC_SHA1_32 inline:" !"a=crypto:9"
office sends ACK
relay leg A encrypted required
office sends BYE
office expects 200
a expects BYE
a sends 200 to
record has AES_256_CM_HMAC_SHA1_32
office sends INVITE 100 savp suite=AES_192_CM_HMAC_SHA1_32 tag=9
a expects INVITE savp
a sends 200 savp
a expects ACK
office expects 200 savp "a=crypto:9 AES_192_CM_HMAC_SHA1_32 inline:" !"a=crypto:10"
office sends ACK
relay leg A encrypted required
office sends BYE
office expects 200
a expects BYE
a sends 200 to
record has AES_192_CM_HMAC_SHA1_32
office sends INVITE 100 savp suite=AES_CM_128_HMAC_SHA1_32 tag=10
a expects INVITE savp
a sends 200 savp
a expects ACK
office expects 200 savp "a=crypto:10 AES_CM_128_HMAC_SHA1_32 inline:" !"a=crypto:11"
office sends ACK
relay leg A encrypted required
office sends BYE
office expects 200
a expects BYE
a sends 200 to
record has AES_CM_128_HMAC_SHA1_32
office sends INVITE 100 savp suite=AES_CM_128_NULL_AUTH tag=11
a expects INVITE savp
a sends 200 savp
a expects ACK
office expects 200 savp "a=crypto:11 AES_CM_128_NULL_AUTH inline:" !"a=crypto:12"
office sends ACK
relay leg A encrypted required
office sends BYE
office expects 200
a expects BYE
a sends 200 to
record has AES_CM_128_NULL_AUTH
