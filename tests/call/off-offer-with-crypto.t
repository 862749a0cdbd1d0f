# srtp off, the caller offers suites: honoured, its leg is SRTP, the other one plain (TEL-36)
user 201 off
user 202 off
phone a 201 tls
phone b 202 udp
a sends INVITE 202 avp+crypto
b expects INVITE avp
b sends 200 avp
b expects ACK
a expects 200 avp+crypto
a sends ACK
relay leg A encrypted required
relay leg B clear
packets A in 10 enc
packets A out 10 enc
packets B in 10 clear
packets B out 10 clear
elapse 3s
shown has PARTLY RF-403
a sends BYE
a expects 200
b expects BYE
b sends 200 to
