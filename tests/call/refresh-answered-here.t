# a re-INVITE that changes nothing is answered here, with the same description
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
a sends reINVITE savp
b expects nothing
a expects 200 savp
a sends ACK
relay leg A encrypted keys=1
a sends BYE
a expects 200
b expects BYE
b sends 200 to
