# RFC 3261 13.2.2.4, RFC 3262 3: the phone takes the call while the caller owes a PRACK, and the caller gives up: its 200 that waited gets ACK and BYE
user 201
user 202
phone a 201 tls
phone b 202 tls
a sends INVITE 202 savp "Supported: 100rel"
b expects INVITE
b sends 183 savp
a expects 183 savp "Require: 100rel"
b sends 200 savp
b expects nothing
a sends CANCEL
a expects 200
b expects ACK
b expects BYE
b sends 200 to
a expects 487
