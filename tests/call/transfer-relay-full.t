# attended, the ports of the first call are of the other family and the relay is full: NOTIFY says 503, both calls go on
include scenes/call-up.scene
user 203
phone c 203 tls v6
phone b2 202 tls unregistered
b2 sends INVITE 203 savp key=4
c expects INVITE savp
c sends 200 savp key=5
c expects ACK
b2 expects 200 savp
b2 sends ACK
relay full
b sends REFER "Refer-To: <sip:203@pbx.example?Replaces={%b2}>"
b expects 202
b expects NOTIFY "100"
b sends 200 to
b expects NOTIFY "terminated" "SIP/2.0 503"
b sends 200 to
a expects nothing
c expects nothing
b2 sends BYE
b2 expects 200
a sends BYE
a expects 200
b expects BYE
b sends 200 to
c expects BYE
c sends 200 to
