# RFC 3261 12.2.2, RFC 5589 7: a leg that moves to another worker hangs up while it still waits in that worker's mailbox: its BYE finds it there
workers 2
user 201
user 202
user 203
phone a 201 tls worker=0
phone b 202 tls
phone b2 202 tls unregistered worker=1
phone c 203 tls
a sends INVITE 202 savp
b expects INVITE
b sends 200 savp
b expects ACK
a expects 200
a sends ACK
b2 sends INVITE 203 savp
c expects INVITE
c sends 200 savp
c expects ACK
b2 expects 200
b2 sends ACK
letters held
b sends REFER "Refer-To: <sip:203@pbx.example?Replaces={%b2}>"
b expects 202
b expects NOTIFY "100"
b sends 200 to
letters 3
b2 expects BYE
b2 sends 200 to
c sends BYE
c expects nothing
letters come
c expects INVITE
c expects 200
c sends 487
c expects ACK
b expects NOTIFY "200 OK"
b sends 200 to NOTIFY
b expects BYE
b sends 200 to
a expects BYE
a sends 200 to
elapse 3s
calls 0
record has '"ended_by":"callee"'
