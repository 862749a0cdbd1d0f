# one busy phone does not end the call while another rings
user 201
user 202
phone a 201 tls
phone b 202 tls
phone c 202 tls
a sends INVITE 202 savp
b sends 486
a expects nothing
c sends 180
a expects 180
c sends 200 savp
a expects 200
a sends ACK
c forgets
a sends BYE
c expects BYE
c sends 200 to
