# phones of both address families ring, each offered media of its own; the one that answers has the call
user 201
user 202
phone a 201 tls
phone c 202 tls v6
phone b 202 tls
a sends INVITE 202 savp
b expects INVITE "c=IN IP4 192.0.2.1" "m=audio 30002 " !"IP6"
c expects INVITE "c=IN IP6 2001:db8::1" "m=audio 31000 " !"IP4"
b sends 183 savp port=41000
a expects 183 "c=IN IP4 192.0.2.1" "m=audio 30000 "
relay leg B port=41000
c sends 180
c sends 200 savp port=42000
b expects CANCEL
b sends 200 to CANCEL
b sends 487
c expects ACK
a expects 200 "c=IN IP4 192.0.2.1" "m=audio 30000 "
a sends ACK
relay leg B port=42000 encrypted sends
restart
a returns
c returns
c sends reINVITE savp dir=sendonly
a expects INVITE "c=IN IP4 192.0.2.1" "m=audio 30000 "
a sends 200 savp dir=recvonly
a expects ACK
c expects 200 "c=IN IP6 2001:db8::1" "m=audio 31000 "
c sends ACK
c sends BYE
a expects BYE
a sends 200 to
