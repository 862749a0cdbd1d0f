# RFC 5589 6.1: the caller transfers the callee, who becomes the caller of the new call
include scenes/call-up.scene
user 203
phone c 203 tls
a sends REFER "Refer-To: sip:203@pbx.example"
a expects 202
a expects NOTIFY "100 Trying"
a sends 200 to
c expects INVITE savp 'From: "User 202" <sip:202@pbx.example>' "Referred-By: <sip:201@pbx.example>"
c sends 200 savp key=3
c expects ACK
a expects NOTIFY "200 OK"
a sends 200 to
a expects BYE
a sends 200 to
b expects INVITE savp
b sends 200 savp key=2 ver=2
b expects ACK
relay leg A encrypted required sends listens
relay leg B encrypted required sends listens
c sends BYE
c expects 200
b expects BYE
b sends 200 to
