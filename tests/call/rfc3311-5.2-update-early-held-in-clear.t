# TEL-31: the phone takes the call, then answers our UPDATE without SRTP where that is required: its 200 that waited gets ACK and BYE with the reason
include scenes/early-answer.scene
a sends UPDATE savp ver=2 codecs=8
b expects UPDATE savp
b sends 200 savp codecs=0
b sends 200 to avp codecs=8 ver=2
a expects 488
b expects ACK
b expects BYE "cause=88"
b sends 200 to
a expects 488
