# RFC 3311 5.2: an UPDATE with an offer in a call that is up goes the way of a re-INVITE, without an ACK
include scenes/call-up.scene
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
