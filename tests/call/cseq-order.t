# a request with an old CSeq in a dialog: 500 (RFC 3261 12.2.2)
user 201
user 202
phone a 201 tls
phone b 202 tls
a sends INVITE 202 savp
b expects INVITE savp
b sends 200 savp
b expects ACK
a expects 200 savp
a sends ACK
a sends OPTIONS cseq=1
a expects 500
a sends BYE
a expects 200
b expects BYE
b sends 200 to
