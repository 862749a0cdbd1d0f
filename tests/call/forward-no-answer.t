# forward-no-answer: after its time the phones are cancelled and the call goes on; sip.ring-time begins anew
user 201
user 202 forward-no-answer=203 forward-no-answer-time=15
user 203
phone a 201 tls
phone b 202 tls
phone c 203 tls
set ring-time 30
a sends INVITE 202 savp
b expects INVITE
b sends 180
a expects 180
elapse 14s
b expects nothing
c expects nothing
elapse 1.5s
b expects CANCEL
b sends 200 to
b sends 487
b expects ACK
a expects 181
c expects INVITE "reason=no-answer" "cause=408"
c sends 180
a expects 180
elapse 20s
c expects nothing
c sends 200 savp
c expects ACK
a expects 200
a sends ACK
a sends BYE
a expects 200
c expects BYE
c sends 200 to
record has '"reason":"no answer"'
