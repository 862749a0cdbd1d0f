# RFC 5589 7, between two workers: the second call rings, so it is given up for a blind transfer, and is answered in that very moment: who answered gets ACK and BYE, and nothing is left
workers 2
user 201
user 202
user 203
phone a 201 tls worker=0
phone b 202 tls
phone b2 202 tls unregistered worker=1
phone c 203 tls
a sends INVITE 202 savp
b expects INVITE
b sends 200 savp
b expects ACK
a expects 200
a sends ACK
b2 sends INVITE 203 savp
c expects INVITE
c sends 180
b2 expects 180
letters held
b sends REFER "Refer-To: <sip:203@pbx.example?Replaces={%b2}>"
b expects 202
b expects NOTIFY "100"
b sends 200 to
letters 1
c sends 200 savp
c expects ACK
b2 expects 200
b2 sends ACK
letters come
c expects INVITE '"User 201" <sip:201@pbx.example>'
c expects BYE "From: "
c sends 200 to
c sends 200 to
record has '"ended_by":"transfer"'
b2 expects BYE
b2 sends 200 to
c sends 180
b expects NOTIFY "180"
b sends 200 to
c sends 200 savp
c expects ACK
b expects NOTIFY "200 OK"
b sends 200 to NOTIFY
b expects BYE
b sends 200 to
a expects INVITE savp
a sends 200 savp ver=2
a expects ACK
calls 1
a sends BYE
a expects 200
c expects BYE
c sends 200 to
