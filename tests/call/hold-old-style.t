# hold with c=0.0.0.0 becomes sendonly for the other side
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
a sends reINVITE savp addr=0.0.0.0 ver=2
b expects INVITE savp dir=sendonly
b sends 200 savp dir=recvonly
a expects 200
a sends ACK
relay leg A mute
b forgets
a sends BYE
a expects 200
b expects BYE
b sends 200 to
