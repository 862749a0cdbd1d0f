# an offerless call whose callee offers plain RTP where SRTP is required: ACK, BYE with cause 88, 488
user 201
user 202
phone a 201 tls
phone b 202 tls
a sends INVITE 202
b expects INVITE no-sdp
b sends 200 avp
b expects ACK
b expects BYE "cause=88"
b sends 200 to
a expects 488 "cause=88"
