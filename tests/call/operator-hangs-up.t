# call hangup: BYE to both, or 480 and CANCEL while it rings
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
hangup
a expects BYE
a sends 200 to
b expects BYE
b sends 200 to
a sends INVITE 202 savp
b expects INVITE
b sends 180
a expects 180
hangup
a expects 480
b expects CANCEL
b sends 200 to
b sends 487
