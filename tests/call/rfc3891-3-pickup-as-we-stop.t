# RFC 3891 3: we stop while somebody waits to pick up: both calls end, each once
user 201
user 202
phone a 201 tls
phone b 202 tls
phone c 202 tls unregistered
a sends INVITE 202 savp "Supported: 100rel"
b expects INVITE
b sends 183 savp
a expects 183 savp "Require: 100rel"
c sends INVITE 202 savp key=40 codecs=0 "Replaces: {b}"
c expects nothing
hangup
c expects 603
a expects 480
b expects CANCEL
b sends 200 to
b sends 487
b expects ACK
