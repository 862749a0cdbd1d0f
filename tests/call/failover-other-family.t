# the next target is of the other address family: its offer is too
user 201
user 202
phone a 201 tls
phone b 202 tls
phone b2 202 tls v6 unregistered
b leads to b2
a sends INVITE 202 savp
b expects INVITE "c=IN IP4 192.0.2.1" "m=audio 30002 "
b sends 503
b expects ACK
b2 expects INVITE "c=IN IP6 2001:db8::1" "m=audio 31000 "
b2 sends 200 savp
b2 expects ACK
a expects 200 "m=audio 30000 "
a sends ACK
relay leg B encrypted sends
a sends BYE
a expects 200
b2 expects BYE
b2 sends 200 to
