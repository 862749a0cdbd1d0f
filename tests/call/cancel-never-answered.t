# a callee that ignores CANCEL is given up after 64*T1 (RFC 3261 9.1)
include scenes/called.scene
b sends 180
a expects 180
a sends CANCEL
a expects 200
a expects 487
b forgets
calls 1
elapse 33s
calls 0
