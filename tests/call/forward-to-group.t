# a user forwards to a ring-group, over a restart the record still says so
user 201
user 202 forward-always=300
user 203
user 204
phone a 201 tls
phone c 203 tls
phone d 204 tls
group 300 "members=203 204" strategy=in-order
a sends INVITE 202 savp
c expects INVITE "Diversion"
a expects 181
c sends 180
a expects 180
elapse 20.5s
c expects CANCEL
c sends 200 to
c sends 487
c expects ACK
d expects INVITE "Diversion"
d sends 200 savp
d expects ACK
a expects 200
a sends ACK
restart
a returns
d returns
d sends BYE
d expects 200
a expects BYE
a sends 200 to
record has '"forwarded":[{"by":"202","reason":"always","to":"300"}]' '"restored":true'
