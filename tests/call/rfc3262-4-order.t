# RFC 3262 4: a repeat is not passed on and has no second PRACK; after a gap it is passed over
user 201
user 202
phone a 201 tls
phone b 202 tls
a sends INVITE 202 savp
b expects INVITE savp "100rel"
b sends 183 savp "Require: 100rel" "RSeq: 70"
b expects PRACK "RAck: 70 1 INVITE"
b sends 200 to
a expects 183 savp !"100rel"
b sends 183 savp "Require: 100rel" "RSeq: 70"
b expects nothing
b sends 180 "Require: 100rel" "RSeq: 72"
b expects nothing
a expects nothing
b sends 180 "Require: 100rel" "RSeq: 71"
b expects PRACK "RAck: 71 1 INVITE"
b sends 200 to
a expects nothing
b sends 200 savp
b expects ACK
a expects 200 savp
a sends ACK
a sends BYE
a expects 200
b expects BYE
b sends 200 to
