# each leg keeps its own policy: SRTP asked for and given on one, plain on the one that the call was forwarded to
user 201
user 202 forward-busy=203
user 203 off
phone a 201 tls
phone b 202 tls
phone c 203 udp
a sends INVITE 202 savp
b expects INVITE savp
b sends 486
b expects ACK
c expects INVITE avp
c sends 200 avp
c expects ACK
a expects 181
a expects 200 savp
relay leg A encrypted required
relay leg B clear
a sends ACK
a sends BYE
a expects 200
c expects BYE
c sends 200 to
