# hold with c=0.0.0.0 becomes sendonly for the other side
include scenes/call-up.scene
a sends reINVITE savp addr=0.0.0.0 ver=2
b expects INVITE savp dir=sendonly
b sends 200 savp dir=recvonly
a expects 200
a sends ACK
relay leg A mute
b forgets
a sends BYE
a expects 200
b expects BYE
b sends 200 to
