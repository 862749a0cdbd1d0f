# on hold, and while nobody is heard, there is no one-way audio
include scenes/call-up.scene
elapse 10s
talk 3s A=enc B=enc
a sends reINVITE savp dir=sendonly ver=2
b expects INVITE dir=sendonly
b sends 200 savp dir=recvonly
b expects ACK
a expects 200 dir=recvonly
a sends ACK
talk 10s A=enc
a sends BYE
a expects 200
b expects BYE
b sends 200 to
record lacks RF-401
record lacks no_audio
