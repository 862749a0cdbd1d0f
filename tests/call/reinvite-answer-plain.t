# the answer to our re-INVITE lacks encryption: the call ends on both sides, cause 88 (TEL-31)
include scenes/call-up.scene
a sends reINVITE savp dir=sendonly ver=2
b expects INVITE
b sends 200 avp dir=recvonly
b expects ACK
b expects BYE "cause=88"
b sends 200 to
a expects 488
a expects BYE "cause=88"
a sends 200 to
