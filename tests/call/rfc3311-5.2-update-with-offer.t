# RFC 3311 5.2: an UPDATE with an offer in a call that is up goes the way of a re-INVITE, without an ACK
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
a sends UPDATE savp dir=sendonly key=9 ver=2
b expects INVITE savp dir=sendonly
b sends 200 savp dir=recvonly
b expects ACK
a expects 200 savp dir=recvonly "Contact: <sip:" "CSeq: 3 UPDATE"
relay leg A encrypted required mute listens keys=2
elapse 2s
relay leg A keys=1
a sends BYE
a expects 200
b expects BYE
b sends 200 to
