# both sides re-INVITE at once: 491 to the later one; it tries again (RFC 3261 14.1)
include scenes/call-up.scene
a sends reINVITE savp dir=sendonly ver=2
b sends reINVITE savp dir=sendonly ver=2
b expects INVITE
b expects 491
b sends 491
b expects ACK
a expects nothing
elapse 2s
b expects nothing
elapse 2s
b expects INVITE dir=sendonly
b sends 200 savp dir=recvonly
b expects ACK
a expects 200 dir=recvonly
a sends ACK
a sends BYE
a expects 200
b expects BYE
b sends 200 to
