# the callee wants a longer session: our INVITE goes again with it (RFC 4028 7.3)
set session-expires 300
user 201
user 202
phone a 201 tls
phone b 202 tls
a sends INVITE 202 savp
b expects INVITE "Session-Expires: 300"
b sends 422 "Min-SE: 900"
b expects ACK
b expects INVITE "Session-Expires: 900" "CSeq: 2 INVITE"
b sends 200 savp
b expects ACK
a expects 200
a sends ACK
a sends BYE
a expects 200
b expects BYE
b sends 200 to
