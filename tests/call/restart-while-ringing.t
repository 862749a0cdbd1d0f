# signal is killed while a phone rings: its late 200 gets ACK and BYE from the new process
include scenes/called.scene
b sends 180
restart
calls 0
b returns
b sends 200 savp
b expects ACK
b expects BYE
b sends 200 to
stays
