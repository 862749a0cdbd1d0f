# without an ACK for 64*T1 both sides get BYE
include scenes/called.scene
b sends 200 savp
b expects ACK
elapse 33s
a forgets
b expects BYE
b sends 200 to
elapse 3s
record has '"ended_by":"no ACK"'
