# INFO by a target that is out of service goes to the next one, and so does what comes after it; when none serves: 500
user 201
user 202
phone a 201 tls
phone b 202 tls
phone b2 202 tls unregistered
b leads to b2
a sends INVITE 202 savp
b expects INVITE
b sends 200 savp
b expects ACK
a expects 200
a sends ACK
a sends INFO "Signal=5"
b expects INFO "Signal=5"
b sends 503 to
b2 expects INFO "Signal=5"
a expects nothing
b2 sends 200 to
a expects 200
a sends INFO "Signal=6"
b expects nothing
b2 expects INFO "Signal=6"
b2 sends 503 to
b expects INFO "Signal=6"
b sends 503 to
a expects 500
a sends BYE
a expects 200
b expects BYE
b sends 200 to
