# RFC 3891 3, RF-503: rights and races of a pickup from another worker: 403; answered while the INVITE is on its way: 486; cancelled
workers 2
user 201
user 202 watched-by=204
user 203
user 204
phone a 201 tls worker=0
phone b 202 tls
phone c 203 tls worker=1
phone d 204 tls worker=1
a sends INVITE 202 savp
b expects INVITE
b sends 180
a expects 180
c sends INVITE 202 savp key=40 "Replaces: {b}"
c expects 403 "RF-503" "watched-by"
letters held
d sends INVITE 202 savp key=41 "Replaces: {b};early-only"
letters 2
b sends 200 savp
b expects ACK
a expects 200
a sends ACK
letters come
d expects 486
letters held
d sends INVITE 202 savp key=42 "Replaces: {b}"
d sends CANCEL
d expects 200
d expects 487
letters come
a sends BYE
a expects 200
b expects BYE
b sends 200 to
