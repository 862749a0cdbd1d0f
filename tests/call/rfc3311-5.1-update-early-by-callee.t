# RFC 3311 5.1: the callee moves its early media by UPDATE after it answered reliably; before that it is 491
include scenes/called.scene
b sends 180 "Require: 100rel" "RSeq: 8"
b expects PRACK
b sends 200 to
a expects 180
b sends UPDATE
b expects 200 no-sdp
b sends UPDATE savp port=6000 ver=2
b expects 491
b sends 183 savp port=6000 "Require: 100rel" "RSeq: 9"
b expects PRACK "RAck: 9 1 INVITE"
b sends 200 to
a expects 183 savp
relay leg B encrypted port=6000
b sends UPDATE savp port=7000 key=8 tag=1 suite=AES_CM_128_HMAC_SHA1_80 ver=2
b expects 200 savp
relay leg B encrypted required port=7000
b sends UPDATE savp codecs=8 ver=3
b expects 488
b sends BYE
b expects 481
b sends 200 savp port=6000 key=1 ver=1
b expects ACK
a expects 200
a sends ACK
relay leg B encrypted port=7000
b sends UPDATE
b expects 200
a sends BYE
a expects 200
b expects BYE
b sends 200 to
