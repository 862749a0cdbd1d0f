# the callee holds: the caller gets the re-INVITE
include scenes/call-up.scene
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
