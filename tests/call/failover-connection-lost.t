# a connection that is lost while the phone rings: the next target rings
user 201
user 202
phone a 201 tls
phone b 202 tls
phone b2 202 tcp unregistered
b leads to b2
a sends INVITE 202 savp
b expects INVITE
b sends 183 savp
a expects 183 savp
b leaves
a expects nothing
b2 expects INVITE savp
b2 leaves
a expects 480
