# our ACK to the callee was lost: its repeated 200 gets the ACK again
user 201
user 202
phone a 201 udp
phone b 202 udp
a sends INVITE 202 savp
b expects INVITE
b sends 200 savp
b expects ACK
b sends 200 savp
b expects ACK again
a expects 200
a sends ACK
a sends BYE
a expects 200
b expects BYE
b sends 200 to
