# nothing answers the number: 404, RF-505
user 201
user 202
phone a 201 tls
phone b 202 tls
a sends INVITE 999 savp
a expects 404 RF-505 "cause=1"
a sends INVITE sip:202@elsewhere.example savp
a expects 404 RF-505
a sends INVITE sip:202@192.0.2.1 savp
b expects INVITE
b sends 486
a expects 486
