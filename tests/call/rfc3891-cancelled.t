# RFC 3891: the INVITE that replaces a leg is cancelled before the other one has answered: nobody is left
user 201
user 202 watched-by=203
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
c sends INVITE 201 savp key=4 "Replaces: {b}"
b expects BYE
b sends 200 to
a expects INVITE savp
a sends 100
c sends CANCEL
c expects 200
c expects 487
a expects CANCEL
a expects BYE
a sends 200 to
a sends 487
a expects ACK
