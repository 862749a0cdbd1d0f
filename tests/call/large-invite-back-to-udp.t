# no TCP there: the large INVITE goes by UDP all the same; so it does after TCP was accepted and then lost
set udp-max 600
user 201
user 202
phone a 201 tls
phone b 202 udp
a sends INVITE 202 savp
b expects INVITE "Via: SIP/2.0/UDP " "CSeq: 1 INVITE"
b sends 486
b expects ACK
a expects 486
phone bt 202 tcp unregistered
b leads large bt
a sends INVITE 202 savp
bt expects INVITE
b expects nothing
bt leaves
b expects INVITE "Via: SIP/2.0/UDP " "CSeq: 1 INVITE"
bt aside 1
b sends 200 savp
b expects ACK
a expects 200
a sends ACK
a sends BYE
a expects 200
b expects BYE
b sends 200 to
