# RFC 3262 5: no offer in the INVITE: leg B's comes in its 18x, leg A's answer in its PRACK, and on in ours
user 201
user 202
phone a 201 tls
phone b 202 tls
a sends INVITE 202 "Supported: 100rel"
b expects INVITE no-sdp "100rel"
b sends 183 savp tag=1 suite=AES_CM_128_HMAC_SHA1_80 "Require: 100rel" "RSeq: 5"
b expects nothing
a expects 183 savp "RSeq: "
a sends PRACK rack savp
a expects 200 no-sdp
b expects PRACK savp "RAck: 5 1 INVITE"
b sends 200 to
relay leg A encrypted required sends listens
relay leg B encrypted required sends listens
b sends 200
b expects ACK no-sdp
a expects 200 no-sdp
a sends ACK
a sends BYE
a expects 200
b expects BYE
b sends 200 to
