# RFC 3311 5.2, RFC 3261 9: the caller gives up while the phone is asked of his UPDATE: 487 to both
include scenes/early-answer.scene
a sends UPDATE savp ver=2 codecs=8
b expects UPDATE savp
a sends CANCEL
a expects 200
a expects 487
a expects 487
b expects CANCEL
b sends 200 to
b sends 487
b expects ACK
