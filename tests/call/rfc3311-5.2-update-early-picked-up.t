# RFC 3891 3, RFC 3311 5.2: somebody picks up while the phone that rings is asked by UPDATE: 500 at once, and the old offer holds
include scenes/early-answer.scene
phone c 202 tls unregistered
a sends UPDATE savp ver=2 codecs=8
b expects UPDATE savp "RTP/SAVP 8"
c sends INVITE 202 savp key=40 codecs=0 "Replaces: {b}"
c expects 200 savp
c sends ACK
a expects 500 "Retry-After: "
a expects 200 savp
a sends ACK
b expects CANCEL
b sends 200 to
b sends 487
b expects ACK
elapse 3s
a expects nothing
relay leg A encrypted required sends listens
relay leg B encrypted required sends listens
a sends BYE
a expects 200
c expects BYE
c sends 200 to
