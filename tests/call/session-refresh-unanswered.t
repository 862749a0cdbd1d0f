# a phone that does not answer our refresh is gone: BYE to both
set session-expires 600
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
elapse 301s
a expects INVITE
elapse 33s
b expects BYE
b sends 200 to
a expects BYE
record has '"ended_by":"caller"'
