# RFC 3891 3: Replaces that names nothing, or what it may not
include scenes/call-up.scene
user 203
phone c 203 tls
c sends INVITE 201 savp "Replaces: x;to-tag=y;from-tag=z"
c expects 481
c sends INVITE 201 savp "Replaces: x"
c expects 400
c sends INVITE 201 savp "Replaces: {b};early-only"
c expects 486
c sends INVITE 201 avp "Replaces: {b}"
c expects 488
b expects nothing
set transfer 0
c sends INVITE 201 savp "Replaces: {b}"
c expects 403
a expects nothing
a sends BYE
a expects 200
b expects BYE
b sends 200 to
