# an INVITE too large for UDP goes by TCP where the phone has it, and its dialog stays there (RFC 3261 18.1.1)
set udp-max 600
user 201
user 202
phone a 201 tls
phone b 202 udp
phone bt 202 tcp unregistered
b leads large bt
a sends INVITE 202 savp
b expects nothing
bt expects INVITE "Via: SIP/2.0/TCP " "CSeq: 1 INVITE" "transport=tcp>"
bt sends 200 savp
bt expects ACK
a expects 200
a sends ACK
a sends BYE
a expects 200
bt expects BYE "Via: SIP/2.0/TCP "
bt sends 200 to
