# RFC 3891 3: an early dialog by its own Call-ID and tags: a user takes the call at another phone; early-only is what it is, and whoever comes later is declined
user 201
user 202
phone a 201 tls
phone b 202 tls
phone c 202 tls unregistered
phone d 202 tls unregistered
a sends INVITE 202 savp
b expects INVITE
b sends 180
a expects 180
c sends INVITE 202 savp key=40 "Replaces: {b};early-only"
c expects 200 savp
c sends ACK
a expects 200 savp
a sends ACK
b expects CANCEL
b sends 200 to
d sends INVITE 202 savp key=41 "Replaces: {b}"
d expects 603
b sends 487
b expects ACK
d sends INVITE 202 savp key=42 "Replaces: {c};early-only"
d expects 486
c sends BYE
c expects 200
a expects BYE
a sends 200 to
