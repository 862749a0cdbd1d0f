# an INFO too large for UDP goes by TCP where the phone has it, and is answered as ever (RFC 3261 18.1.1)
user 201
user 202
phone a 201 tls
phone b 202 udp
phone bt 202 tcp unregistered
a sends INVITE 202 savp
b expects INVITE
b sends 200 savp
b expects ACK
a expects 200
a sends ACK
b leads large bt
set udp-max 600
a sends INFO "Signal=5"
b expects INFO "Signal=5"
b sends 200 to
a expects 200
a sends INFO "Signal=6 xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
b expects nothing
bt expects INFO "Via: SIP/2.0/TCP " "Signal=6"
bt sends 200 to
a expects 200
a sends BYE
a expects 200
bt expects BYE
bt sends 200 to
