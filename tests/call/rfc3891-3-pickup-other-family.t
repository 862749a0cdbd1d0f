# RFC 3891 3: who picks up is of the other address family: a port of it is opened first, and where there is none the call goes on ringing
user 201
user 202
phone a 201 tls
phone b 202 tls
phone c 202 tls v6 unregistered
a sends INVITE 202 savp
b expects INVITE
b sends 180
a expects 180
c sends INVITE 202 savp key=40 "Replaces: {b}"
c expects 200 savp "IP6"
c sends ACK
a expects 200 savp "IP4"
a sends ACK
b expects CANCEL
b sends 200 to
b sends 487
b expects ACK
a sends BYE
a expects 200
c expects BYE
c sends 200 to
elapse 3s
relay one-family
a sends INVITE 202 savp
b expects INVITE
b sends 180
a expects 180
c sends INVITE 202 savp key=41 "Replaces: {b}"
c expects 488
b sends 200 savp
b expects ACK
a expects 200
a sends ACK
b sends BYE
b expects 200
a expects BYE
a sends 200 to
