# RFC 3261 13.2.1: a phone that is asked by UPDATE repeats in an 18x what it answered to the INVITE, another fork of it answers that one with a key of another tag: neither is an answer to the UPDATE
include scenes/early-answer.scene
a sends UPDATE savp ver=2 codecs=8
b expects UPDATE savp "RTP/SAVP 8"
b sends 180 savp codecs=0
a expects 180 no-sdp
b sends 183 savp codecs=0 totag=other key=9 tag=2 suite=AEAD_AES_256_GCM port=6666
a expects 183 no-sdp
b expects nothing
b sends 200 to savp codecs=8 ver=2 port=7000
a expects 200 savp "RTP/SAVP 8"
b sends 180 savp codecs=0 totag=other key=9 port=6666
a expects 180 no-sdp
b sends 200 savp codecs=0
b expects ACK
a expects 200
a sends ACK
relay leg A encrypted required
relay leg B encrypted required port=7000
elapse 3s
b expects nothing
a sends BYE
a expects 200
b expects BYE
b sends 200 to
