# RFC 4488: Refer-Sub: false, no NOTIFY
user 201
user 202
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
b sends REFER "Refer-To: <sip:203@pbx.example>" "Refer-Sub: false" "Require: norefersub"
b expects 202 "Refer-Sub: false"
c expects INVITE savp
c sends 200 savp key=3
c expects ACK
b expects BYE
b sends 200 to
a expects INVITE savp
a sends 200 savp key=2 ver=2
a expects ACK
a sends BYE
a expects 200
c expects BYE
c sends 200 to
