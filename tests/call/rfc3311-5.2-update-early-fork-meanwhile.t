# RFC 3311 5.2: another fork answers reliably while one is asked by UPDATE: 500, and whoever takes the call is told what holds
include scenes/early-answer.scene
a sends UPDATE savp ver=2 codecs=0 dir=sendonly
b expects UPDATE savp dir=sendonly
b sends 180 savp codecs=0 totag=other key=9 tag=2 suite=AEAD_AES_256_GCM port=6666 "Require: 100rel" "RSeq: 5"
b expects PRACK
a expects 500 "Retry-After: "
a expects 180
a sends PRACK rack
a expects 200
b sends 200 to
b sends 200 savp codecs=0
b expects ACK
a expects 200
a sends ACK
elapse 1s
b expects INVITE savp dir=sendrecv
b sends 200 savp codecs=0 ver=2
b expects ACK
a expects INVITE savp
a sends 200 savp ver=3
a expects ACK
relay leg A encrypted required
relay leg B encrypted required
a sends BYE
a expects 200
b expects BYE
b sends 200 to
