# who was to be transferred hangs up while the new phone rings
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
c sends 180
b expects NOTIFY
b sends 200 to
a sends BYE
a expects 200
b expects NOTIFY "terminated"
b sends 200 to
b expects BYE
b sends 200 to
c expects CANCEL
c sends 200 to
c sends 487
c expects ACK
