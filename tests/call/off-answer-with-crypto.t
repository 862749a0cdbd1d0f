# srtp off: we offer plain RTP; an answer with suites is refused (TEL-32)
user 201 off
user 202 off
phone a 201 udp
phone b 202 udp
a sends INVITE 202 avp
b expects INVITE avp
b sends 200 savp
b expects ACK
b expects BYE "cause=88"
b sends 200 to
a expects 488 "cause=88" RF-305
