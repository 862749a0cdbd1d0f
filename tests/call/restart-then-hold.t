# after a restart of signal a re-INVITE works: same keys, a newer version
include scenes/call-up.scene
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
