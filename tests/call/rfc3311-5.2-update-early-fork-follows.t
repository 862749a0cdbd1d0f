# RFC 3261 13.2.2.4: another fork answers reliably while one is asked, or after it has agreed by UPDATE: whichever takes the call is heard with its own keys and told what holds
include scenes/early-answer.scene
a sends UPDATE savp ver=2 codecs=8
b expects UPDATE savp "RTP/SAVP 8"
b sends 200 to savp codecs=8 ver=2 port=7000
a expects 200 savp "RTP/SAVP 8"
b sends 180 savp codecs=0 totag=other key=9 port=6666 "Require: 100rel" "RSeq: 5"
b expects PRACK
b sends 200 to
a expects 180
a sends PRACK rack
a expects 200
b sends 200 savp codecs=0 totag=other key=9 port=6666
b expects ACK
a expects 200
a sends ACK
relay leg B encrypted required port=6666
elapse 1s
b expects INVITE savp "RTP/SAVP 8"
b sends 200 savp codecs=8 key=9 ver=2 port=6666
b expects ACK
a expects INVITE savp "RTP/SAVP 8"
a sends 200 savp codecs=8 ver=3
a expects ACK
relay leg A encrypted required
relay leg B encrypted required port=6666
a sends BYE
a expects 200
b expects BYE
b sends 200 to
