# RFC 3891: the INVITE that replaces a leg is cancelled before the other one has answered: nobody is left
include scenes/call-up.scene
user 203
phone c 203 tls
c sends INVITE 201 savp key=4 "Replaces: {b}"
b expects BYE
b sends 200 to
a expects INVITE savp
a sends 100
c sends CANCEL
c expects 200
c expects 487
a expects CANCEL
a expects BYE
a sends 200 to
a sends 487
a expects ACK
