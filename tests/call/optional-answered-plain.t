# srtp optional: an answer without a suite is plain RTP
user 201 optional
user 202 optional
phone a 201 udp
phone b 202 udp
a sends INVITE 202 avp
b expects INVITE avp+crypto
b sends 200 avp
b expects ACK
a expects 200 avp
a sends ACK
relay leg A clear
relay leg B clear
packets A in 5 clear
packets B in 5 clear
elapse 3s
shown has '"verdict":"CLEAR"'
a sends BYE
a expects 200
b expects BYE
b sends 200 to
