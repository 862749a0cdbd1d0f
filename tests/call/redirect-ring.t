# redirections that go in a circle end
include scenes/called.scene
user 203
phone c 203 tls
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
