# RFC 3311 5.1, RFC 3264 8: before the call is up an offer with more codecs, or a hold, is answered with what is agreed; the other side is told of the hold when it is up
user 201
user 202
phone a 201 tls
phone b 202 tls
a sends INVITE 202 savp "Supported: 100rel" "codecs=0 8 101"
b expects INVITE savp "RTP/SAVP 0 8 101"
b sends 183 savp codecs=0
a expects 183 savp "RTP/SAVP 0"
a sends PRACK rack
a expects 200
a sends UPDATE savp ver=2 "codecs=0 9 8"
a expects 200 savp "RTP/SAVP 0" !" 9"
a sends UPDATE savp ver=3 "codecs=8 101"
a expects 488
a sends UPDATE savp ver=4 "codecs=0 101" dir=sendonly
a expects 200 savp dir=recvonly
b expects nothing
b sends 200 savp codecs=0
b expects ACK
a expects 200 dir=recvonly
a sends ACK
elapse 1s
b expects INVITE savp dir=sendonly
b sends 200 savp dir=recvonly ver=2
b expects ACK
a expects INVITE savp dir=recvonly
a sends 200 savp dir=sendonly ver=4
a expects ACK
a sends reINVITE savp ver=5
b expects INVITE savp dir=sendrecv
b sends 200 savp ver=3
b expects ACK
a expects 200 savp dir=sendrecv
a sends ACK
a sends BYE
a expects 200
b expects BYE
b sends 200 to
