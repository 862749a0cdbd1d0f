# a losing fork that repeats its 200 gets ACK again, BYE only once
include scenes/called.scene
b sends 200 savp totag=f2
b expects ACK
b sends 200 savp totag=f1
b expects ACK
b expects BYE
b sends 200 savp totag=f1
b expects ACK
b expects nothing
b sends 200 savp totag=f2
b expects ACK ";tag=f2"
a expects 200
a sends ACK
a sends BYE
b expects BYE
