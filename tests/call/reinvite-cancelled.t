# CANCEL of a re-INVITE goes on to the other side
include scenes/call-up.scene
a sends reINVITE savp dir=sendonly ver=2
b expects INVITE
b sends 180
a sends CANCEL
a expects 200
b expects CANCEL
b sends 200 to
b sends 487
b expects ACK
a expects 487
relay leg A encrypted sends
a sends BYE
a expects 200
b expects BYE
b sends 200 to
