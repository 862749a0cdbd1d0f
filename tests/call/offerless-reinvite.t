# a re-INVITE without an offer: the other side is asked for one
include scenes/call-up.scene
a sends reINVITE
b expects INVITE no-sdp
b sends 200 savp
b expects nothing
a expects 200 savp
a sends ACK savp
b expects ACK savp
relay leg A encrypted
relay leg B encrypted
a sends BYE
a expects 200
b expects BYE
b sends 200 to
