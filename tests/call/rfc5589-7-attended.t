# RFC 5589 7: attended transfer; the two who stay are joined, and both calls of the asker end
include scenes/call-up.scene
user 203
phone c 203 tls
include scenes/attended.scene
c expects INVITE savp dir=sendrecv
c sends 200 savp key=6 ver=2
c expects ACK
a expects INVITE savp dir=sendrecv
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
