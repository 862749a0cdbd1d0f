# RFC 3261 13.2.2.4, RFC 3311 5.2: the phone takes the call while it is asked by UPDATE, and the caller gives up: its 200 that waited gets ACK and BYE
include scenes/early-answer.scene
a sends UPDATE savp ver=2 codecs=8
b expects UPDATE savp
b sends 200 savp codecs=0
a sends CANCEL
a expects 200
a expects 487
b expects ACK
b expects BYE
b sends 200 to
a expects 487
