# RFC 5589 7: attended, asked for while the second call rings: the number rings anew for the one who stays
include scenes/call-up.scene
user 203
phone c 203 tls
phone b2 202 tls unregistered
b2 sends INVITE 203 savp key=4
c expects INVITE savp
c sends 180
b2 expects 180
b sends REFER "Refer-To: <sip:203@pbx.example?Replaces={%b2}>"
b expects 202
b2 expects 487
c expects CANCEL
b expects NOTIFY "100 Trying"
b sends 200 to
c expects INVITE savp 'From: "User 201"'
c sends 200 savp key=5
c expects ACK
b expects NOTIFY "200 OK"
b sends 200 to
b expects BYE
b sends 200 to
a expects INVITE savp
a sends 200 savp key=7 ver=3
a expects ACK
relay leg A encrypted required sends listens
a sends BYE
a expects 200
c expects BYE
c sends 200 to
