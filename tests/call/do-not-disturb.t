# do-not-disturb: 486 with its code, forward-busy where there is one; the phone never rings
user 201
user 202 do-not-disturb
user 203 do-not-disturb forward-busy=204
user 204
phone a 201 tls
phone b 202 tls
phone c 203 tls
phone d 204 tls
a sends INVITE 202 savp
a expects 486 "RF-530" "Q.850;cause=17"
b expects nothing
record has '"code":"RF-530"'
a sends INVITE 203 savp
c expects nothing
d expects INVITE "reason=do-not-disturb"
d sends 200 savp
d expects ACK
a expects 181
a expects 200
a sends ACK
a sends BYE
a expects 200
d expects BYE
d sends 200 to
record has '"reason":"do-not-disturb"'
