# the other side refuses a re-INVITE: its status comes back, the call goes on as before
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
b sends 488
b expects ACK
a expects 488
relay leg A encrypted sends listens
a sends BYE
a expects 200
b expects BYE
b sends 200 to
