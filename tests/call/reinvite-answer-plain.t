# the answer to our re-INVITE lacks encryption: the call ends on both sides, cause 88 (TEL-31)
user 201
user 202
phone a 201 tls
phone b 202 tls
a sends INVITE 202 savp
b expects INVITE savp
b sends 200 savp
b expects ACK
a expects 200 savp
a sends ACK
a sends reINVITE savp dir=sendonly ver=2
b expects INVITE
b sends 200 avp dir=recvonly
b expects ACK
b expects BYE "cause=88"
b sends 200 to
a expects 488
a expects BYE "cause=88"
a sends 200 to
