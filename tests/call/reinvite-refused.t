# the other side refuses a re-INVITE: its status comes back, the call goes on as before
include scenes/call-up.scene
a sends reINVITE savp dir=sendonly ver=2
b expects INVITE
b sends 488
b expects ACK
a expects 488
relay leg A encrypted sends listens
a sends BYE
a expects 200
b expects BYE
b sends 200 to
