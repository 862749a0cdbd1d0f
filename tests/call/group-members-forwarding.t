# where a member forwards its own calls does not count in a group; one who is not to be disturbed is passed over
user 201
user 202 forward-always=204 forward-busy=204
user 203
user 204
phone a 201 tls
phone b 202 tls
phone c 203 tls
phone d 204 tls
group 300 "members=202 203" strategy=all time=10s
number 301 to=300
route internal match=9X to=300
a sends INVITE 301 savp
b expects INVITE !"Diversion"
c expects INVITE
b sends 486
b expects ACK
d expects nothing
c sends 180
a expects 180
elapse 10.5s
c expects CANCEL
c sends 200 to
c sends 487
c expects ACK
a expects 480
a sends INVITE 91 savp
b expects INVITE
c expects INVITE
b sends 180
c sends 180
a expects 180
a sends CANCEL
a expects 200
a expects 487
b expects CANCEL
b sends 200 to
b sends 487
b expects ACK
c expects CANCEL
c sends 200 to
c sends 487
c expects ACK
