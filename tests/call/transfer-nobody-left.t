# who asked has left and nobody answers: who was transferred gets BYE
user 201
user 202
user 203
phone a 201 tls
phone b 202 tls
phone c 203 tls
a sends INVITE 202 savp
b expects INVITE savp
b sends 200 savp
b expects ACK
a expects 200 savp
a sends ACK
b sends REFER "Refer-To: <sip:203@pbx.example>" 
b expects 202
b expects NOTIFY
b sends 200 to
c expects INVITE savp
b sends BYE
b expects 200
c sends 486
c expects ACK
a expects BYE
a sends 200 to
record has '"status":486' '"kind":"blind"'
