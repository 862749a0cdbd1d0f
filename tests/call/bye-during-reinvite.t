# BYE while a re-INVITE waits: 487 for it, BYE for the other side
include scenes/call-up.scene
a sends reINVITE savp dir=sendonly ver=2
b expects INVITE
b sends BYE
b expects 200
a expects 487
a expects BYE
a sends 200 to
b sends 487
b expects ACK
