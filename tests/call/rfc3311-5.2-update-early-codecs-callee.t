# RFC 3311 5.1, RFC 3264 8: the callee's offer before its 200, with more codecs or a hold, is answered with what the caller was told
user 201
user 202
phone a 201 tls
phone b 202 tls
a sends INVITE 202 savp "codecs=0 8 101"
b expects INVITE savp
b sends 183 savp codecs=0 "Require: 100rel" "RSeq: 9"
b expects PRACK
b sends 200 to
a expects 183 savp "RTP/SAVP 0"
b sends UPDATE savp ver=2 "codecs=0 8"
b expects 200 savp "RTP/SAVP 0" !"0 8"
b sends UPDATE savp ver=3 codecs=8
b expects 488
b sends UPDATE savp ver=4 codecs=0 dir=sendonly
b expects 200 savp dir=recvonly
b sends 200 savp codecs=0 ver=4 dir=sendonly
b expects ACK
a expects 200 savp dir=sendonly
a sends ACK
elapse 3s
a expects nothing
a sends BYE
a expects 200
b expects BYE
b sends 200 to
