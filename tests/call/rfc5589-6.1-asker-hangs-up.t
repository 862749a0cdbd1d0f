# RFC 5589 6.1: who asked hangs up at once; who was transferred waits for the new phone
include scenes/transfer-asked.scene
c sends 180
b sends BYE
b expects NOTIFY "180 Ringing"
b expects 200
a expects nothing
c sends 200 savp key=3
c expects ACK
a expects INVITE savp
a sends 200 savp key=2 ver=2
a expects ACK
relay leg A encrypted required sends listens
a sends BYE
a expects 200
c expects BYE
c sends 200 to
