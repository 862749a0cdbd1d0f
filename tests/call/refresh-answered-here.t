# a re-INVITE that changes nothing is answered here, with the same description
include scenes/call-up.scene
a sends reINVITE savp
b expects nothing
a expects 200 savp
a sends ACK
relay leg A encrypted keys=1
a sends BYE
a expects 200
b expects BYE
b sends 200 to
