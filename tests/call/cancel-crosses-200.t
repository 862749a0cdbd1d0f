# CANCEL crosses the callee's 200: the answer gets ACK and BYE
include scenes/called.scene
b sends 180
a expects 180
a sends CANCEL
a expects 200
a expects 487
b expects CANCEL
b sends 200 savp
b expects ACK
b expects BYE
b sends 200 to
record has '"status":487'
