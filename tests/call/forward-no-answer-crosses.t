# the phone answers while its CANCEL is on its way: it is told goodbye, the call stays where it went
user 201
user 202 forward-no-answer=203 forward-no-answer-time=5
user 203
phone a 201 tls
phone b 202 tls
phone c 203 tls
a sends INVITE 202 savp
b expects INVITE
b sends 180
elapse 5.5s
b expects CANCEL
b sends 200 to
b sends 200 savp
b expects ACK
b expects BYE
b sends 200 to
a expects 180
a expects 181
c expects INVITE
c sends 200 savp
c expects ACK
a expects 200
a sends ACK
a sends BYE
a expects 200
c expects BYE
c sends 200 to
