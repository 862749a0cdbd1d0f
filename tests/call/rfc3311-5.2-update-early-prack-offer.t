# RFC 3262 5, RFC 3264 4: the caller's PRACK has an offer while the phone is asked of that of his UPDATE: 488, one offer at a time
include scenes/early-answer.scene
a sends UPDATE savp ver=2 codecs=8
b expects UPDATE savp "RTP/SAVP 8"
b sends 180 "Require: 100rel" "RSeq: 10"
b expects PRACK
b sends 200 to
a expects 180
a sends PRACK rack savp ver=3 codecs=0 key=77
a expects 488
elapse 17s
a expects 500 "Retry-After: "
a sends CANCEL
a expects 200
a expects 487
b expects CANCEL
b sends 200 to
b sends 487
b expects ACK
