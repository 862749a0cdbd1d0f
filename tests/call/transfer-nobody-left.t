# who asked has left and nobody answers: who was transferred gets BYE
include scenes/call-up.scene
user 203
phone c 203 tls
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
