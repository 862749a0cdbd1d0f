# RFC 3261 16.3, 16.6: the last hop is handed on as none, so that two B2BUAs that route to each other come to an end
user 201
user 202
phone a 201 tls
phone b 202 tls
a sends INVITE 202 savp "Max-Forwards: 1"
b expects INVITE savp "Max-Forwards: 0"
b sends 200 savp
b expects ACK "Max-Forwards: 70"
a expects 200 savp
a sends ACK
a sends BYE
a expects 200
b expects BYE "Max-Forwards: 70"
b sends 200 to
a sends INVITE 202 savp "Max-Forwards: 0"
a expects 483
b expects nothing
