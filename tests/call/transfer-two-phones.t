# transferred to a user with two phones: the one that answers is joined, the other one stops ringing
include scenes/call-up.scene
user 203
phone c 203 tls
phone e 203 tls
b sends REFER "Refer-To: <sip:203@pbx.example>"
b expects 202
b expects NOTIFY
b sends 200 to
c expects INVITE savp
e expects INVITE savp "Referred-By: <sip:202@pbx.example>"
e sends 180
b expects NOTIFY "180"
b sends 200 to
c sends 200 savp key=3
c expects ACK
e expects CANCEL
e sends 200 to
e sends 487
e expects ACK
b expects NOTIFY "200 OK"
b sends 200 to
b expects BYE
b sends 200 to
a expects INVITE savp
a sends 200 savp key=2 ver=2
a expects ACK
a sends BYE
a expects 200
c expects BYE
c sends 200 to
