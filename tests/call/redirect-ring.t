# redirections that go in a circle end
user 201
user 202
user 203
phone a 201 tls
phone b 202 tls
phone c 203 tls
a sends INVITE 202 savp
b expects INVITE
b sends 302 "Contact: <sip:203@pbx.example>"
b expects ACK
c expects INVITE
c sends 302 "Contact: <sip:202@pbx.example>"
b expects INVITE
b sends 302 "Contact: <sip:203@pbx.example>"
b expects ACK
c expects ACK
c expects INVITE
c sends 302 "Contact: <sip:202@pbx.example>"
a expects 480
