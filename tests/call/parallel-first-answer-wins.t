# several phones of one user ring; the first answer wins, the others get CANCEL with a Reason
user 201
user 202
phone a 201 tls
phone b 202 tls
phone c 202 udp
a sends INVITE 202 savp
b expects INVITE
c expects INVITE
b sends 180
c sends 180
c sends 200 savp
c expects ACK
b expects CANCEL "Reason: SIP;cause=200"
b sends 200 to
b sends 487
b expects ACK
a expects 180
a expects 200
a sends ACK
relay leg B port=40200
a sends BYE
c expects BYE
c sends 200 to
