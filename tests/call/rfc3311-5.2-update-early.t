# RFC 3311 5.2: before the answer: 500 while our answer is out, 491 while our offer is; without an offer 200
include scenes/called.scene
b sends 180
a expects 180
a sends UPDATE savp ver=2
a expects 500 "Retry-After: "
a sends UPDATE
a expects 200
b sends 200 savp
b expects ACK
a expects 200 savp
a sends ACK
a sends BYE
a expects 200
b expects BYE
b sends 200 to
