# signal and media died: phones are told as soon as they are back
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
relay leg A encrypted
restart lost
calls 0
