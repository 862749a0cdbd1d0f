# the connection of who was transferred is gone when it shall be told: it is found again by its binding
include scenes/transfer-asked.scene
a leaves
c sends 200 savp key=3
c expects ACK
b expects NOTIFY "200 OK"
b sends 200 to
b expects BYE
b sends 200 to
a returns
elapse 3s
a expects INVITE savp
a sends 200 savp key=2 ver=2
a expects ACK
relay leg A encrypted required sends listens
a sends BYE
a expects 200
c expects BYE
c sends 200 to
