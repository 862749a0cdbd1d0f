# RFC 3891, RF-503: who may take a call of somebody else: while it rings whoever may see it, later only whom watched-by names and members of one ring-group
user 201
user 202 watched-by=204
user 203
user 204
user 205
group 300 "members=202 205"
phone a 201 tls
phone b 202 tls
phone c 203 tls
phone d 204 tls
phone e 205 tls
a sends INVITE 202 savp
b expects INVITE
b sends 180
a expects 180
c sends INVITE 202 savp key=40 "Replaces: {b}"
c expects 403 "RF-503" "watched-by"
b expects nothing
b sends 200 savp
b expects ACK
a expects 200
a sends ACK
c sends INVITE 201 savp key=40 "Replaces: {b}"
c expects 403 "RF-503" "watched-by"
c sends INVITE 201 savp key=40 "Replaces: {a}"
c expects 403 "RF-503"
d sends INVITE 201 savp key=41 "Replaces: {b}"
b expects BYE
b sends 200 to
a expects INVITE savp
a sends 200 savp key=7 ver=2
a expects ACK
d expects 200 savp
d sends ACK
a sends BYE
a expects 200
d expects BYE
d sends 200 to
elapse 3s
a sends INVITE 202 savp key=50
b expects INVITE
b sends 180
a expects 180
e sends INVITE 202 savp key=60 "Replaces: {b}"
e expects 200 savp
e sends ACK
a expects 200
a sends ACK
b expects CANCEL
b sends 200 to
b sends 487
b expects ACK
e sends BYE
e expects 200
a expects BYE
a sends 200 to
