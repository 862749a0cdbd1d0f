# RFC 3311 5.2: glare is 491; a second one before the first is done 500 with Retry-After
include scenes/call-up.scene
a sends UPDATE savp dir=sendonly ver=2
b expects INVITE
b sends UPDATE savp dir=inactive ver=2
b expects 491
a sends UPDATE savp dir=inactive ver=3
a expects 500 "Retry-After: "
a sends UPDATE
a expects 200
b sends 488
b expects ACK
a expects 488
relay leg A sends listens
a sends BYE
a expects 200
b expects BYE
b sends 200 to
