# every target fails: the last answer is what counts, and 503 is not relayed as ours
user 201
user 202
phone a 201 tls
phone b 202 tls
phone b2 202 tls unregistered
b leads to b2
a sends INVITE 202 savp
b expects INVITE
b sends 503
b expects ACK
b2 expects INVITE
b2 sends 503
b2 expects ACK
a expects 500
