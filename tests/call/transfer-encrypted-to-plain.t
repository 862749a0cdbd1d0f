# a transfer from an encrypted to a plain leg decides each leg anew
include scenes/call-up.scene
user 203 off
phone c 203 tls
b sends REFER "Refer-To: <sip:203@pbx.example>"
b expects 202
b expects NOTIFY
b sends 200 to
c expects INVITE avp
c sends 200 avp
c expects ACK
b expects NOTIFY "200 OK"
b sends 200 to
b expects BYE
b sends 200 to
a expects INVITE savp
a sends 200 savp key=2 ver=2
a expects ACK
relay leg A encrypted required sends listens
relay leg B clear sends listens
a sends BYE
a expects 200
c expects BYE
c sends 200 to
