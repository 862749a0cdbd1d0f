# 404, 480, 486 and 603 speak of the person called: no other server of the place is asked
include scenes/first-of-two.scene
b sends 486
b expects ACK
b2 expects nothing
a expects 486
a sends INVITE 202 savp
b expects INVITE
b sends 404
b expects ACK
b2 expects nothing
a expects 404
a sends INVITE 202 savp
b expects INVITE
b sends 480
b expects ACK
b2 expects nothing
a expects 480
a sends INVITE 202 savp
b expects INVITE
b sends 603
b expects ACK
b2 expects nothing
a expects 603
b aside 0
