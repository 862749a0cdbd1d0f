# RFC 3891 3: what cannot be picked up leaves the call as it is: no offer, no codec in common, in clear where it must be encrypted, a caller's dialog, two at once
user 201
user 202
user 203
user 204
phone a 201 tls
phone b 202 tls
phone c 203 tls
phone d 204 tls
a sends INVITE 202 savp
b expects INVITE
c sends INVITE 202 savp "Replaces: {b}"
c expects 481
b sends 180
a expects 180
c sends INVITE 202 "Replaces: {b}"
c expects 488
c sends INVITE 202 avp "Replaces: {b}"
c expects 488 "cause=88"
c sends INVITE 202 savp codecs=8 "Replaces: {b}"
c expects 488
c sends INVITE 202 savp "Replaces: {a}"
c expects 481
d sends INVITE 202 savp "Replaces: {b};early-only"
d expects 200
d sends ACK
a expects 200
a sends ACK
b expects CANCEL
b sends 200 to
b sends 487
b expects ACK
a sends BYE
a expects 200
d expects BYE
d sends 200 to
