# CANCEL of a re-INVITE goes on to the other side
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
b sends 180
a sends CANCEL
a expects 200
b expects CANCEL
b sends 200 to
b sends 487
b expects ACK
a expects 487
relay leg A encrypted sends
a sends BYE
a expects 200
b expects BYE
b sends 200 to
