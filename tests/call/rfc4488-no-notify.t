# RFC 4488: Refer-Sub: false, no NOTIFY
include scenes/call-up.scene
user 203
phone c 203 tls
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
