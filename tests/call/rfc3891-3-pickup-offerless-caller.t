# RFC 3891 3: the caller's INVITE had no offer: his 200 has one, and who picked up gets its answer when his ACK has come; or nobody does
user 201
user 202
phone a 201 tls
phone b 202 tls
phone c 202 tls unregistered
a sends INVITE 202
b expects INVITE no-sdp
b sends 180
a expects 180
c sends INVITE 202 savp key=40 "Replaces: {b}"
b expects CANCEL
b sends 200 to
b sends 487
b expects ACK
a expects 200 savp
c expects nothing
a sends ACK savp
c expects 200 savp
c sends ACK
relay leg A encrypted required sends listens
relay leg B encrypted required sends listens
a sends BYE
a expects 200
c expects BYE
c sends 200 to
elapse 3s
a sends INVITE 202
b expects INVITE no-sdp
b sends 180
a expects 180
c sends INVITE 202 savp key=41 "Replaces: {b}"
b expects CANCEL
b sends 200 to
b sends 487
b expects ACK
a expects 200 savp
c sends CANCEL
c expects 200
c expects 487
a sends ACK savp
a expects BYE
a sends 200 to
