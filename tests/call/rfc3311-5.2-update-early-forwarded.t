# RFC 3311 5.2: the phone that is asked by UPDATE is silent, and the call goes on to another: who answers there does not wait for it
user 201
user 202 forward-no-answer=203 forward-no-answer-time=5
user 203
phone a 201 tls
phone b 202 tls
phone c 203 tls
a sends INVITE 202 savp "Supported: 100rel" "codecs=0 8 101"
b expects INVITE savp
b sends 183 savp codecs=0 "Require: 100rel" "RSeq: 9" "Allow: INVITE, ACK, BYE, CANCEL, PRACK, UPDATE"
b expects PRACK
b sends 200 to
a expects 183 savp
a sends PRACK rack
a expects 200
elapse 4s
a sends UPDATE savp ver=2 codecs=8
b expects UPDATE savp
elapse 1.5s
a expects 500 "Retry-After: "
b expects CANCEL
b sends 200 to
b sends 487
b expects ACK
a expects 181
c expects INVITE
c sends 200 savp codecs=0
c expects ACK
a expects 200
a sends ACK
relay leg A encrypted required
relay leg B encrypted required
a sends BYE
a expects 200
c expects BYE
c sends 200 to
