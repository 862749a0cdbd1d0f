# 302 to another user of ours is followed
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
c expects INVITE "To: <sip:203@pbx.example>"
c sends 200 savp
c expects ACK
a expects 200
a sends ACK
a sends BYE
c expects BYE
c sends 200 to
