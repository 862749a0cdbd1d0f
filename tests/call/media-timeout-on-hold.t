# on hold silence is no fault
include scenes/call-up.scene
a sends reINVITE savp dir=sendonly ver=2
b expects INVITE dir=sendonly
b sends 200 savp dir=recvonly
b expects ACK
a expects 200 dir=recvonly
a sends ACK
relay timeout B
relay timeout A
a expects nothing
b expects nothing
a sends BYE
a expects 200
b expects BYE
b sends 200 to
