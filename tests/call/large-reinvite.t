# a re-INVITE that has become too large for UDP goes by TCP where the phone has it
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
a sends reINVITE savp dir=sendonly
b expects nothing
bt expects INVITE "Via: SIP/2.0/TCP "
hangup
a forgets
bt forgets
