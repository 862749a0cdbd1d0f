# RFC 3891 3 and RFC 5589 6.1: a call that is being transferred rings, and is picked up: who was transferred speaks with whoever did
user 201
user 202
user 203
user 204
phone a 201 tls
phone b 202 tls
phone c 203 tls
phone d 204 tls
a sends INVITE 202 savp
b expects INVITE
b sends 200 savp
b expects ACK
a expects 200
a sends ACK
b sends REFER "Refer-To: <sip:203@pbx.example>"
b expects 202
b expects NOTIFY "100"
b sends 200 to
c expects INVITE
c sends 180
b expects NOTIFY "180"
b sends 200 to
d sends INVITE 203 savp key=41 "Replaces: {c}"
d expects 200 savp
d sends ACK
c expects CANCEL
c sends 200 to
c sends 487
c expects ACK
b expects NOTIFY "200 OK" "terminated"
b sends 200 to
b expects BYE
b sends 200 to
elapse 1s
a expects INVITE savp
a sends 200 savp ver=2
a expects ACK
relay leg A encrypted required sends listens
relay leg B encrypted required sends listens
a sends BYE
a expects 200
d expects BYE
d sends 200 to
