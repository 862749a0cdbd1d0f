# the callee holds: the caller gets the re-INVITE
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
b sends reINVITE savp dir=inactive ver=2
a expects INVITE savp dir=inactive
a sends 200 savp dir=inactive
a expects ACK
b expects 200 savp dir=inactive
b sends ACK
relay leg A mute deaf
relay leg B mute deaf
a sends BYE
a expects 200
b expects BYE
b sends 200 to
