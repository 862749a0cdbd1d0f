# RFC 3891 3, RFC 3262 3: while the caller owes a PRACK one phone takes the call with an answer that cannot be used, and somebody waits to pick it up: after the PRACK he has it
user 201
user 202
user 203
phone a 201 tls
phone b 202 tls
phone d 202 tls
phone c 203 tls
a sends INVITE 202 savp "Supported: 100rel"
b expects INVITE
d expects INVITE
b sends 183 savp
a expects 183 savp "Require: 100rel"
c sends INVITE 202 savp "Replaces: {b}"
c expects nothing
d sends 200 avp
a sends PRACK rack
a expects 200
d expects ACK
d expects BYE "cause=88"
d sends 200 to
b expects CANCEL
b sends 200 to
b sends 487
b expects ACK
c expects 200
c sends ACK
a expects 200
a sends ACK
a sends BYE
a expects 200
c expects BYE
c sends 200 to
