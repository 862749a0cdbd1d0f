# lifetime and MKI in a crypto line are understood (TEL-39)
user 201
user 202
phone a 201 tls
phone b 202 tls
a sends INVITE 202 savp lifetime mki
b sends 200 savp lifetime mki
a expects 200 savp
a sends ACK
relay leg A encrypted
b forgets
a sends BYE
b expects BYE
b sends 200 to
