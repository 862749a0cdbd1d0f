# 203 (srtp optional, plain softphone) calls 201 (required): one leg clear, one SRTP, shown as PARTLY
user 203 optional
user 201
phone a 203 udp
phone b 201 tls
a sends INVITE 201 avp
b expects INVITE savp
b sends 200 savp
b expects ACK
a expects 200 avp
a sends ACK
relay leg A clear sends listens
relay leg B encrypted required
packets A in 10 clear
packets A out 10 clear
packets B in 10 enc
packets B out 10 enc
elapse 3s
shown has '"verdict":"PARTLY"' RF-403
a sends BYE
a expects 200
b expects BYE
b sends 200 to
