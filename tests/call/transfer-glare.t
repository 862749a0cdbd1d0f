# who was transferred is in glare (RFC 3261 14.1): its re-INVITE comes again
include scenes/transfer-asked.scene
c sends 200 savp key=3
c expects ACK
b expects NOTIFY "200 OK"
b sends 200 to
b expects BYE
b sends 200 to
a expects INVITE savp
a sends 491
a expects ACK
elapse 5s
a expects INVITE savp
a sends 200 savp key=2 ver=2
a expects ACK
relay leg A encrypted required sends listens
a sends BYE
a expects 200
c expects BYE
c sends 200 to
