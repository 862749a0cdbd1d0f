# RFC 3311 5.1: the caller changes codecs and holds before the answer: the only phone, which takes UPDATE and has answered reliably, is asked by UPDATE; one at a time
user 201
user 202
phone a 201 tls
phone b 202 tls
a sends INVITE 202 savp "Supported: 100rel" "codecs=0 8 101"
b expects INVITE savp "RTP/SAVP 0 8 101"
b sends 183 savp codecs=0 "Require: 100rel" "RSeq: 9" "Allow: INVITE, ACK, BYE, CANCEL, PRACK, UPDATE"
b expects PRACK
b sends 200 to
a expects 183 savp "RTP/SAVP 0"
a sends PRACK rack
a expects 200
a sends UPDATE savp ver=2 codecs=8 port=6000
b expects UPDATE savp "RTP/SAVP 8" !"6000"
a expects nothing
a sends UPDATE savp ver=3 codecs=0
a expects 500 "Retry-After: "
b sends UPDATE savp ver=2 codecs=0
b expects 491
b sends 200 to savp codecs=8 ver=2 port=7000
a expects 200 savp "RTP/SAVP 8"
relay leg A encrypted required port=6000
relay leg B encrypted required port=7000
b sends 180 savp codecs=0 "Require: 100rel" "RSeq: 10"
b expects PRACK
b sends 200 to
a expects 180
a sends PRACK rack
a expects 200
a sends UPDATE savp ver=4 codecs=8 port=6000 dir=sendonly
b expects UPDATE savp dir=sendonly
b sends 491 to
a expects 491
relay leg A encrypted required port=6000
a sends UPDATE savp ver=5 codecs=8 port=6000 dir=sendonly
b expects UPDATE savp dir=sendonly
b sends 200 savp codecs=0 ver=1
a expects nothing
b expects nothing
b sends 200 to savp codecs=8 ver=3 port=7000 dir=recvonly
a expects 200 savp dir=recvonly
b expects ACK
a expects 200
a sends ACK
relay leg B encrypted required port=7000
elapse 3s
b expects nothing
a expects nothing
a sends reINVITE savp ver=6 codecs=8
b expects INVITE savp dir=sendrecv
b sends 200 savp codecs=8 ver=4
b expects ACK
a expects 200 savp dir=sendrecv
a sends ACK
a sends BYE
a expects 200
b expects BYE
b sends 200 to
