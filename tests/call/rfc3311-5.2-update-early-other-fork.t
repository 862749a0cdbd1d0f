# RFC 3261 13.2.2.4: another fork than the one that was asked by UPDATE answers: its answer is to the INVITE's offer, and it is told by re-INVITE
include scenes/early-answer.scene
a sends UPDATE savp ver=2 codecs=8 dir=sendonly
b expects UPDATE savp dir=sendonly
b sends 200 to savp codecs=8 ver=2 dir=recvonly
a expects 200 savp "RTP/SAVP 8" dir=recvonly
b sends 200 savp codecs=0 totag=other key=9
b expects ACK
a expects 200
a sends ACK
elapse 1s
b expects INVITE savp "RTP/SAVP 8" dir=sendonly
b sends 200 savp codecs=8 key=9 ver=2 dir=recvonly
b expects ACK
a expects INVITE savp "RTP/SAVP 8"
a sends 200 savp codecs=8 ver=3 dir=sendonly
a expects ACK
relay leg A encrypted required
relay leg B encrypted required
a sends BYE
a expects 200
b expects BYE
b sends 200 to
