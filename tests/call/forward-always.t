# forward-always: the other user's phone rings, both learn of it, and the record says why
user 201
user 202 forward-always=203
user 203
phone a 201 tls
phone b 202 tls
phone c 203 tls
a sends INVITE 202 savp
b expects nothing
c expects INVITE savp 'Diversion: "User 202" <sip:202@pbx.example>;reason=unconditional;counter=1' 'History-Info: "User 202" <sip:202@pbx.example>;index=1, <sip:203@pbx.example;cause=302>;index=1.1;mp=1' 'From: "User 201"'
a expects 181
c sends 180
a expects 180
c sends 200 savp
c expects ACK
a expects 200 savp
a sends ACK
shown has "forwarded by 202 to 203: always" '"forwarded":[{"by":"202","reason":"always","to":"203"}]'
a sends BYE
a expects 200
c expects BYE
c sends 200 to
record has '"forwarded":[{"by":"202","reason":"always","to":"203"}]' '"to":"202"'
