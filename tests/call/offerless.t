# an INVITE without an offer: the callee offers in its 200, the caller answers in its ACK
user 201
user 202
phone a 201 tls
phone b 202 tls
a sends INVITE 202
b expects INVITE no-sdp
b sends 180
a expects 180
b sends 200 savp
b expects nothing
a expects 200 savp
relay leg A unset
a sends ACK savp
b expects ACK savp
relay leg A encrypted required sends listens
relay leg B encrypted required sends listens
a sends BYE
a expects 200
b expects BYE
b sends 200 to
