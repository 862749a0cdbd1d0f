# a re-INVITE under way when the new phone answers is refused, and the leg moves all the same
include scenes/transfer-asked.scene
a sends reINVITE savp dir=sendonly ver=2
b expects INVITE dir=sendonly
b sends 100
c sends 200 savp key=3
c expects ACK
a expects 491
b expects CANCEL
b expects NOTIFY "200 OK"
b sends 200 to
b expects BYE
b sends 200 to
elapse 2s
a expects INVITE savp dir=sendrecv
a sends 200 savp key=2 ver=3
a expects ACK
relay leg A encrypted required sends listens
a sends BYE
a expects 200
c expects BYE
c sends 200 to
