# RFC 3891: an INVITE with Replaces takes the place of a leg
include scenes/call-up.scene
user 203
phone c 203 tls
c sends INVITE 201 savp key=4 "Replaces: {b}" "Require: replaces"
b expects BYE
b sends 200 to
a expects INVITE savp
a sends 200 savp key=7 ver=2
a expects ACK
c expects 200 savp
c sends ACK
relay leg A encrypted required sends listens
relay leg B encrypted required sends listens
shown has '"from":"203"' '"to":"201"' '"kind":"replaces","by":"203"'
a sends BYE
a expects 200
c expects BYE
c sends 200 to
