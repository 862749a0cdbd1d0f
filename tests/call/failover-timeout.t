# a UDP target that says nothing: timer B, then the next one
user 201
user 202
phone a 201 tls
phone b 202 udp mute
phone b2 202 tls unregistered
b leads to b2
a sends INVITE 202 savp
b expects INVITE
elapse 31s
b2 expects nothing
elapse 2s
b forgets
b aside 1 retry-after=0
b2 expects INVITE savp
b2 sends 180
b2 sends 200 savp
b2 expects ACK
a expects 180
a expects 200
a sends ACK
# what the first one says now comes too late: it believes in a call
b sends 200 savp totag=late
b expects ACK
b expects BYE
b sends 200 to BYE
a sends BYE
a expects 200
b2 expects BYE
b2 sends 200 to
