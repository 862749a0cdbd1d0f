# a restart of signal while a transferred leg is being told: it is told again, and the call lives
include scenes/transfer-asked.scene
c sends 200 savp key=3
c expects ACK
b expects NOTIFY "200 OK"
b sends 200 to
b expects BYE
b sends 200 to
a expects INVITE savp
restart
a returns
c returns
elapse 3s
a expects INVITE savp
a sends 200 savp key=2 ver=2
a expects ACK
relay leg A encrypted required sends listens
relay leg B encrypted required sends listens
shown has '"kind":"blind","by":"202"' '"restored":true'
a sends BYE
a expects 200
c expects BYE
c sends 200 to
