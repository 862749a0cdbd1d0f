# one-way audio: clear packets where SRTP is required (RF-401)
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
talk 6s A=enc B=plain
shown has '"code":"RF-401"' '"cause":"clear-refused"' "this leg needs SRTP"
a sends BYE
a expects 200
b expects BYE
b sends 200 to
record has '"code":"RF-401"' '"cause":"clear-refused"' '"to_the_last":true' "no audio from 202"
