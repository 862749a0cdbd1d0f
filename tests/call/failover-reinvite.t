# a re-INVITE to a UDP target that says nothing goes to the next one, with a fresh offer; without one the call ends
user 201
user 202
phone a 201 tls
phone b 202 udp
phone b2 202 udp unregistered
b leads to b2
a sends INVITE 202 savp
b expects INVITE
b sends 200 savp
b expects ACK
a expects 200
a sends ACK
a sends reINVITE savp dir=sendonly ver=2
b expects INVITE
elapse 32100ms
b forgets
b2 expects INVITE savp "a=sendonly"
b2 sends 200 savp dir=recvonly
b2 expects ACK
a expects 100
a expects 200
a sends ACK
b expects nothing
a sends reINVITE savp dir=sendrecv ver=3
b2 expects INVITE
elapse 32100ms
b2 forgets
b expects INVITE
elapse 31700ms
b forgets
elapse 300ms
a expects 100
a expects 408
a sends ACK
a expects BYE
a sends 200 to
b expects BYE
b sends 200 to
