# on hold silence is no fault
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
b expects INVITE dir=sendonly
b sends 200 savp dir=recvonly
b expects ACK
a expects 200 dir=recvonly
a sends ACK
relay timeout B
relay timeout A
a expects nothing
b expects nothing
a sends BYE
a expects 200
b expects BYE
b sends 200 to
