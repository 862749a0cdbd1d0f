# RFC 3262 3: a phone takes the call while the caller owes a PRACK, and its answer cannot be used: the 18x of another phone, which waited as well, goes on after the PRACK
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
b sends 180 savp "Require: 100rel" "RSeq: 7"
b expects PRACK
b sends 200 to
c sends 200 avp
a sends PRACK rack
a expects 200
c expects ACK
c expects BYE "cause=88"
c sends 200 to
a expects 180 "Require: 100rel"
a sends PRACK rack
a expects 200
b sends 486
b expects ACK
a expects 486
