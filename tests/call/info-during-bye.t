# an INFO under way when the call ends is answered 481
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
b expects INFO
b sends BYE
b expects 200
a expects 481
a expects BYE
a sends 200 to
b sends 200 to
