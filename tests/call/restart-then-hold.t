# after a restart of signal a re-INVITE works: same keys, a newer version
user 201
user 202
phone a 201 tls
phone b 202 tls
a sends INVITE 202 savp
b expects INVITE savp
b sends 200 savp
b expects ACK
a expects 200 savp
a sends ACK
restart
a returns
b returns
a sends reINVITE savp dir=sendonly ver=2
b expects INVITE savp dir=sendonly AES_CM_128_HMAC_SHA1_80
b sends 200 savp dir=recvonly
b expects ACK
a expects 200 savp dir=recvonly
a sends ACK
relay leg A encrypted keys=1
a sends BYE
a expects 200
b expects BYE
b sends 200 to
