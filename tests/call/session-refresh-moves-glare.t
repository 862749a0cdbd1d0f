# our refresh meets 491: again after the wait
set session-expires 600
include scenes/call-up.scene
elapse 301s
a expects INVITE
a sends 491
a expects ACK
elapse 2001ms
a expects INVITE
a sends 200 savp
a expects ACK
elapse 2s
b expects INVITE
b sends 491
b expects ACK
elapse 2s
b expects nothing
elapse 2100ms
b expects INVITE
b sends 200 savp
b expects ACK
a sends BYE
a expects 200
b expects BYE
b sends 200 to
