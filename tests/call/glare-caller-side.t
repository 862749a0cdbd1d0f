# 491 from the caller's phone: we do not own its Call-ID and try again within 2 s
include scenes/call-up.scene
b sends reINVITE savp dir=sendonly ver=2
a expects INVITE
a sends 491
a expects ACK
elapse 2001ms
a expects INVITE
a sends 200 savp dir=recvonly
a expects ACK
b expects 200
b sends ACK
a sends BYE
a expects 200
b expects BYE
b sends 200 to
