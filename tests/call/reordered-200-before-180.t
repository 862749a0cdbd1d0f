# a 180 that comes after the 200 changes nothing
include scenes/called.scene
b sends 200 savp
b sends 180
b expects ACK
a expects 200
a sends ACK
a expects nothing
a sends BYE
a expects 200
b expects BYE
b sends 200 to
