# CANCEL before any 1xx from the callee: our CANCEL waits for the 1xx (RFC 3261 9.1)
include scenes/called.scene
a sends CANCEL
a expects 200
a expects 487
b expects nothing
b sends 180
b expects CANCEL
b sends 200 to
b sends 487
b expects ACK
