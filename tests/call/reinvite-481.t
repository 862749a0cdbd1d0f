# 481 to our re-INVITE: the dialog is gone there, the call ends (RFC 5057)
include scenes/call-up.scene
a sends reINVITE savp dir=sendonly ver=2
b expects INVITE
b sends 481
b expects ACK
b expects BYE
b sends 481 to
a expects 408
a expects BYE
a sends 200 to
