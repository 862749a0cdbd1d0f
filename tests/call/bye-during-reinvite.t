# BYE while a re-INVITE waits: 487 for it, BYE for the other side
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
a sends reINVITE savp dir=sendonly ver=2
b expects INVITE
b sends BYE
b expects 200
a expects 487
a expects BYE
a sends 200 to
b sends 487
b expects ACK
