# TEL-31: the caller speaks in clear, the phone only SRTP: an UPDATE before the answer goes through with each side's own profile and keys, and gone by 481 the call goes on
user 201 off
user 202 required
phone a 201 udp
phone b 202 tls
a sends INVITE 202 avp "Supported: 100rel" "codecs=0 8 101"
b expects INVITE savp
b sends 183 savp codecs=0 "Require: 100rel" "RSeq: 9" "Allow: INVITE, ACK, BYE, CANCEL, PRACK, UPDATE"
b expects PRACK
b sends 200 to
a expects 183 avp !"a=crypto"
a sends PRACK rack
a expects 200
a sends UPDATE avp ver=2 codecs=8 port=6000
b expects UPDATE savp "RTP/SAVP 8" !"6000"
b sends 200 to savp codecs=8 ver=2 port=7000
a expects 200 avp "RTP/AVP 8" !"a=crypto" !"7000"
relay leg A clear
relay leg B encrypted required port=7000
a sends UPDATE avp ver=3 codecs=0
b expects UPDATE savp "RTP/SAVP 0"
b sends 200 savp codecs=0
a expects nothing
b sends 481 to
a expects 500
b expects ACK
a expects 200 avp !"a=crypto"
a sends ACK
relay leg A clear
relay leg B encrypted required port=7000
a sends BYE
a expects 200
b expects BYE
b sends 200 to
