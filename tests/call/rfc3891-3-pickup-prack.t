# RFC 3891 3 and RFC 3262 3: the caller owes a PRACK for the answer in our 18x: who picks up waits for it, and the caller is told of the other phone by a re-INVITE
user 201
user 202
phone a 201 tls
phone b 202 tls
phone c 202 tls unregistered
a sends INVITE 202 savp "Supported: 100rel"
b expects INVITE
b sends 183 savp
a expects 183 savp "Require: 100rel"
c sends INVITE 202 savp key=40 codecs=0 "Replaces: {b}"
c expects nothing
a sends PRACK rack
a expects 200
c expects 200 savp
c sends ACK
a expects 200 no-sdp
a sends ACK
b expects CANCEL
b sends 200 to
b sends 487
b expects ACK
elapse 1s
a expects INVITE savp
a sends 200 savp ver=2
a expects ACK
relay leg A encrypted required sends listens
relay leg B encrypted required sends listens
a sends BYE
a expects 200
c expects BYE
c sends 200 to
