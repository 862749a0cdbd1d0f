# codecs of users: the callee's order wins, `all` stands for the rest, and both lists count (RF-310)
user 201 "codecs=PCMA all"
user 202 "codecs=PCMU PCMA"
user 203 "codecs=G729"
phone a 201 tls
phone b 202 tls
phone c 203 tls
a sends INVITE 202 savp "codecs=9 0 8 101"
b expects INVITE "RTP/SAVP 0 8 101"
b sends 200 savp "codecs=0 101"
b expects ACK
a expects 200 "RTP/SAVP 0 101"
a sends ACK
a sends BYE
a expects 200
b expects BYE
b sends 200 to
b sends INVITE 201 savp "codecs=9 0 8 101"
a expects INVITE "RTP/SAVP 8 0 101"
a sends 486
a expects ACK
b expects 486
a sends INVITE 203 savp "codecs=8 101"
c expects nothing
a expects 488 "RF-310" "user.203.codecs"
c sends INVITE 201 savp "codecs=8 101"
a expects nothing
c expects 488 "RF-310" "user.203.codecs"
a sends INVITE 203
c expects INVITE no-sdp
c sends 200 savp "codecs=18 101"
a expects 200 savp "RTP/SAVP 18 101"
a sends ACK savp "codecs=18 101"
c expects ACK "RTP/SAVP 18 101"
a sends BYE
a expects 200
c expects BYE
c sends 200 to
