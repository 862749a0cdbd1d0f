# INFO passes through with its body, its answer comes back
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
a sends INFO "Signal=5"
b expects INFO "Content-Type: application/dtmf-relay" "Signal=5"
b sends 200 to
a expects 200
b sends INFO "Signal=6"
a expects INFO "Signal=6"
a sends 415 to
b expects 415
a sends BYE
a expects 200
b expects BYE
b sends 200 to
