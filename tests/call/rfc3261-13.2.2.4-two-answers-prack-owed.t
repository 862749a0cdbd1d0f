# RFC 3261 13.2.2.4, 15: two phones take the call while the caller owes a PRACK, and the caller gives up: both get ACK and BYE at once
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
b sends 200 savp
b expects nothing
c sends 200 savp
c sends 200 savp
c expects nothing
a sends CANCEL
a expects 200
b expects ACK
b expects BYE
b sends 200 to
c expects ACK
c expects BYE
c sends 200 to
c expects nothing
a expects 487
