# a ring-group in order: busy and silence lead to the next member, the last one's silence ends it
user 201
user 202
user 203
user 204
phone a 201 tls
phone b 202 tls
phone c 203 tls
phone d 204 tcp
group 300 "members=202 203 204" strategy=in-order time=10s
a sends INVITE 300 savp
b expects INVITE savp
c expects nothing
b sends 486
b expects ACK
c expects INVITE savp
c sends 180
a expects 180
elapse 10.5s
c expects CANCEL
c sends 200 to
c sends 487
c expects ACK
d expects INVITE savp
d sends 180
elapse 5s
d sends 200 savp
d expects ACK
a expects 200 savp
relay leg B encrypted required
a sends ACK
a sends BYE
a expects 200
d expects BYE
d sends 200 to
a sends INVITE 300 savp
b expects INVITE
b sends 486
b expects ACK
c expects INVITE
c sends 486
c expects ACK
d expects INVITE
d sends 180
a expects 180
elapse 10.5s
d expects CANCEL
d sends 200 to
d sends 487
d expects ACK
a expects 480 "RF-515"
