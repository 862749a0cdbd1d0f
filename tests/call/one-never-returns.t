# the other phone never comes back: the call ends without it
user 201
user 202
phone a 201 tls
phone b 202 tls
a sends INVITE 202 savp
b expects INVITE savp
b sends 200 savp
b expects ACK
a expects 200 savp
a sends ACK
b leaves
a sends BYE
a expects 200
calls 0
