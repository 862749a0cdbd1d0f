# RFC 3261 13.2.2.4: two phones and a fork of the first take the call while the caller owes a PRACK: after it the first has it, the others get ACK and BYE at once
user 201
user 202
phone a 201 tls
phone b 202 tls
phone c 202 udp
a sends INVITE 202 savp "Supported: 100rel"
b expects INVITE
c expects INVITE
b sends 183 savp
a expects 183 savp "Require: 100rel"
b sends 200 savp totag=f1
c sends 200 savp
b sends 200 savp totag=f2
b expects nothing
c expects nothing
a sends PRACK rack
a expects 200
c expects ACK
c expects BYE
c sends 200 to
c expects nothing
b expects ACK ";tag=f2"
b expects BYE ";tag=f2"
b sends 200 to
b expects ACK ";tag=f1"
a expects 200
a sends ACK
a sends BYE
a expects 200
b expects BYE ";tag=f1"
b sends 200 to
