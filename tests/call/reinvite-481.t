# 481 to our re-INVITE: the dialog is gone there, the call ends (RFC 5057)
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
b sends 481
b expects ACK
b expects BYE
b sends 481 to
a expects 408
a expects BYE
a sends 200 to
