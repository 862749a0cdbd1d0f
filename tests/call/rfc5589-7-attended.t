# RFC 5589 7: attended transfer; the two who stay are joined, and both calls of the asker end
include scenes/call-up.scene
user 203
phone c 203 tls
phone b2 202 tls unregistered
b sends reINVITE savp dir=sendonly ver=2
a expects INVITE dir=sendonly
a sends 200 savp dir=recvonly
a expects ACK
b expects 200
b sends ACK
b2 sends INVITE 203 savp key=4
c expects INVITE savp
c sends 200 savp key=5
c expects ACK
b2 expects 200 savp
b2 sends ACK
b sends REFER "Refer-To: <sip:203@pbx.example?Replaces={%b2}>"
b expects 202
b expects NOTIFY "100 Trying"
b sends 200 to
b expects NOTIFY "terminated" "200 OK"
b sends 200 to
b expects BYE
b sends 200 to
b2 expects BYE
b2 sends 200 to
c expects INVITE savp dir=sendrecv
c sends 200 savp key=6 ver=2
c expects ACK
a expects INVITE savp dir=sendrecv
a sends 200 savp key=7 ver=3
a expects ACK
relay leg A encrypted required sends listens
relay leg B encrypted required sends listens
shown has '"from":"201"' '"to":"203"' '"kind":"attended","by":"202"'
a sends BYE
a expects 200
c expects BYE
c sends 200 to
records 3
