# RFC 3262, RFC 3261 13.2.1: the answer that leg A got reliably holds; another fork that answers is told by re-INVITE
user 201
user 202
phone a 201 tls
phone b 202 tls
a sends INVITE 202 savp "codecs=0 8 101" "Supported: 100rel"
b expects INVITE savp
b sends 183 savp totag=f1 "codecs=0 101"
a expects 183 savp
a sends PRACK rack
a expects 200
b sends 183 savp totag=f2 "codecs=8 101"
a expects nothing
b sends 200 savp totag=f2 "codecs=8 101"
b expects ACK
a expects 200 no-sdp
a sends ACK
elapse 2s
a expects INVITE savp " 8 101"
a sends 200 savp "codecs=8 101" ver=2
a expects ACK
relay leg A encrypted required sends listens
a sends BYE
a expects 200
b expects BYE
b sends 200 to
