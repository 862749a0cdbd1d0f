# attended transfer to a phone of the other address family: the new call has ports of its own, and both legs new keys
include scenes/call-up.scene
user 203
phone c 203 tls v6
include scenes/attended.scene
c expects INVITE savp dir=sendrecv "c=IN IP6"
c sends 200 savp key=6 ver=2
c expects ACK
a expects INVITE savp dir=sendrecv "c=IN IP4"
a sends 200 savp key=7 ver=3
a expects ACK
relay leg A encrypted required sends listens
relay leg B encrypted required sends listens
shown has '"from":"201"' '"to":"203"' '"kind":"attended","by":"202"'
a sends BYE
a expects 200
c expects BYE
c sends 200 to
records 3
