# RFC 3261 15: our BYE waits for a way to a phone whose connection is gone, and the phone repeats its 200 by a new one: the BYE still goes out, and the call ends
include scenes/called.scene
b sends 200 savp
b expects ACK
a expects 200
a sends ACK
b leaves
b returns
paths slow
a sends BYE
a expects 200
b sends 200 savp
paths come
b expects BYE
b sends 200 to
elapse 3s
calls 0
