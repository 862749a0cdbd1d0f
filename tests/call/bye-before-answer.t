# the caller may send BYE in an early dialog: 200 for it, 487 for the INVITE, CANCEL to the callee
include scenes/called.scene
b sends 180
a expects 180
a sends BYE
a expects 200
a expects 487
b expects CANCEL
b sends 200 to
b sends 487
b expects ACK
