# RFC 3891 3: Replaces that names nothing, or what it may not
user 201
user 202 watched-by=203
user 203
phone a 201 tls
phone b 202 tls
phone c 203 tls
a sends INVITE 202 savp
b expects INVITE savp
b sends 200 savp
b expects ACK
a expects 200 savp
a sends ACK
c sends INVITE 201 savp "Replaces: x;to-tag=y;from-tag=z"
c expects 481
c sends INVITE 201 savp "Replaces: x"
c expects 400
c sends INVITE 201 savp "Replaces: {b};early-only"
c expects 486
c sends INVITE 201 avp "Replaces: {b}"
c expects 488
b expects nothing
set transfer 0
c sends INVITE 201 savp "Replaces: {b}"
c expects 403
a expects nothing
a sends BYE
a expects 200
b expects BYE
b sends 200 to
