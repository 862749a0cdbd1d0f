# RFC 3261 13.2.2.4: two phones take the call while the caller owes a PRACK, and the first one's answer does not meet its SRTP policy: it is told so, the second one has the call
user 201
user 202
phone a 201 tls
phone b 202 tls
phone c 202 tls
a sends INVITE 202 savp "Supported: 100rel"
b expects INVITE
c expects INVITE
b sends 183 savp
a expects 183 savp "Require: 100rel"
c sends 200 avp
b sends 200 savp
a sends PRACK rack
a expects 200
c expects ACK
c expects BYE "cause=88"
c sends 200 to
b expects ACK
a expects 200
a sends ACK
a sends BYE
a expects 200
b expects BYE
b sends 200 to
