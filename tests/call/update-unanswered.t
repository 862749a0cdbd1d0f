# a callee that does not answer our re-INVITE must not hold up who sent UPDATE beyond its own timer
include scenes/call-up.scene
a sends UPDATE savp dir=sendonly ver=2
b expects INVITE
b sends 100
elapse 17s
b expects CANCEL
b sends 200 to
b sends 487
b expects ACK
a expects 487
a sends BYE
a expects 200
b expects BYE
b sends 200 to
