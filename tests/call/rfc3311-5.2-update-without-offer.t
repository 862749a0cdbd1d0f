# RFC 3311 5.2: without an offer it is a sign of life and a new target
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
b sends UPDATE "Contact: <sip:202@192.0.2.77:5099;transport=tls>" 
b expects 200 no-sdp "Allow: "
a expects nothing
a sends BYE
a expects 200
b expects BYE
b sends 200 to
