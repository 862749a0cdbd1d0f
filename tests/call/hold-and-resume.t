# hold and resume: directions are mapped, keys stay, the version grows by one (RFC 3264 8)
include scenes/call-up.scene
a sends reINVITE savp dir=sendonly ver=2
b expects INVITE savp dir=sendonly "AES_CM_128_HMAC_SHA1_80"
b sends 200 savp dir=recvonly
b expects ACK
a expects 200 savp dir=recvonly
a sends ACK
relay leg A encrypted required mute listens keys=1
relay leg B encrypted required sends deaf
a sends reINVITE savp ver=3
b expects INVITE savp dir=sendrecv
b sends 200 savp
b expects ACK
a expects 200 savp dir=sendrecv
a sends ACK
relay leg A sends listens
relay leg B sends listens
a sends BYE
a expects 200
b expects BYE
b sends 200 to
