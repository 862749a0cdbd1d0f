# the relay is being restarted when a call is answered: what it missed is told again
include scenes/called.scene
relay away
b sends 200 savp
b expects ACK
a expects 200
a sends ACK
relay leg A unset
elapse 150ms
relay back
elapse 200ms
relay leg A encrypted
relay leg B encrypted
a sends BYE
a expects 200
b expects BYE
b sends 200 to
