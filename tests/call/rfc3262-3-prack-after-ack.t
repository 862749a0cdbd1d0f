# RFC 3262 3: a PRACK that comes after the ACK of the call is still answered
user 201
user 202
phone a 201 tls
phone b 202 tls
a sends INVITE 202 savp "Require: 100rel"
b expects INVITE savp
b sends 180
a expects 180 "RSeq: "
b sends 200 savp
b expects ACK
a expects 200 savp
a sends ACK
a sends PRACK rack
a expects 200
b sends BYE
b expects 200
a expects BYE
a sends 200
