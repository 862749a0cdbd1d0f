# a phone is offered few suites, that of old phones first; one that knows but the 32-bit tags is served as well, both ways (IPC-27)
user 201
user 202
phone a 201 tls
phone b 202 tls
a sends INVITE 202 savp suite=AES_CM_128_HMAC_SHA1_32
b expects INVITE savp "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" "AES_CM_128_HMAC_SHA1_32 inline:" "a=crypto:5 " !"a=crypto:6"
b sends 200 savp tag=5 suite=AES_CM_128_HMAC_SHA1_32
b expects ACK
a expects 200 savp "a=crypto:1 AES_CM_128_HMAC_SHA1_32 inline:"
a sends ACK
relay leg A encrypted required
relay leg B encrypted required
a sends BYE
a expects 200
b expects BYE
b sends 200 to
record has '"weak":true'
a sends INVITE 202 savp suite=AES_CM_128_HMAC_SHA1_80
b expects INVITE
b sends 200 savp tag=1 suite=AES_CM_128_HMAC_SHA1_80
b expects ACK
a expects 200 savp "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:"
a sends ACK
a sends BYE
a expects 200
b expects BYE
b sends 200 to
record lacks '"weak":true'
