# no suite in common: 488 with both lists (TEL-28, RF-303)
user 201 suites=AEAD_AES_256_GCM
user 202
phone a 201 tls
phone b 202 tls
a sends INVITE 202 savp
a expects 488 RF-303 AEAD_AES_256_GCM AES_CM_128_HMAC_SHA1_80
