# RFC 3262 3: a PRACK that matches nothing is 481, one without RAck 400
user 201
user 202
phone a 201 tls
phone b 202 tls
a sends INVITE 202 savp "Supported: 100rel"
b expects INVITE savp
b sends 180
a expects 180 !"RSeq"
a sends PRACK "RAck: 1 1 INVITE"
a expects 481
b sends 183 savp
a expects 183 "RSeq: "
a sends PRACK "RAck: 1 1 INVITE"
a expects 481
a sends PRACK
a expects 400
a sends PRACK rack
a expects 200
a sends PRACK rack
a expects 481
a sends CANCEL
a expects 200
a expects 487
b expects CANCEL
b sends 200 to
b sends 487
b expects ACK
