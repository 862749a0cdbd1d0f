# TEL-31: the phone answers our UPDATE without SRTP where that is required: it is cancelled, and the caller refused
include scenes/early-answer.scene
a sends UPDATE savp ver=2 codecs=8
b expects UPDATE savp
b sends 200 to avp codecs=8 ver=2
a expects 488
b expects CANCEL
b sends 200 to
b sends 487
b expects ACK
a expects 488
