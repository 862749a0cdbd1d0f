# a re-INVITE without an offer: the other side is asked for one
user 201
user 202
phone a 201 tls
phone b 202 tls
a sends INVITE 202 savp
b expects INVITE savp
b sends 200 savp
b expects ACK
a expects 200 savp
a sends ACK
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
