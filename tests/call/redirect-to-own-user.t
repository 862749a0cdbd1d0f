# 302 to another user of ours is followed
include scenes/called.scene
user 203
phone c 203 tls
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
