# RFC 3262 3: leg A alone takes it: our 18x is repeated until its PRACK; who insists gets each one so
user 201
user 202
phone a 201 tls
phone b 202 tls
a sends INVITE 202 savp "Require: 100rel"
b expects INVITE savp
b sends 180
a expects 180 "Require: 100rel" "RSeq: "
elapse 600ms
a expects 180 again
elapse 1s
a expects 180 again
b sends 183 savp
a expects nothing
a sends PRACK rack
a expects 200
a expects 183 savp "Require: 100rel"
b sends 200 savp
a expects nothing
a sends PRACK rack
a expects 200
a expects 200 savp
a sends ACK
b expects ACK
a sends BYE
a expects 200
b expects BYE
b sends 200 to
