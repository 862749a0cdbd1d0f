# RFC 3261 13.2.2.4: another fork takes the call when the first one has hung up already: it gets ACK and BYE
include scenes/called.scene
b sends 200 savp totag=f2
b expects ACK
a expects 200
a sends ACK
a sends BYE
a expects 200
b expects BYE
b sends 200 to
elapse 3s
calls 0
b sends 200 savp totag=f1
b expects ACK ";tag=f1"
b expects BYE ";tag=f1"
b sends 200 to
b expects nothing
