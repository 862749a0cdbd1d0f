# both phones lose their connections during a call; a BYE on a new one ends it, the other is found by its binding
user 201
user 202
phone a 201 tls
phone b 202 tls
a sends INVITE 202 savp
b expects INVITE savp
b sends 200 savp
b expects ACK
a expects 200 savp
a sends ACK
a leaves
b leaves
calls 1
a returns
b returns
b sends BYE
b expects 200
a expects BYE
a sends 200 to
record has '"ended_by":"callee"' "connection lost"
