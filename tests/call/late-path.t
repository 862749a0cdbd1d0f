# a path to a phone that comes late still rings it
user 201
user 202
phone a 201 tls
phone b 202 tls
paths slow
a sends INVITE 202 savp
b expects nothing
elapse 500ms
paths come
b expects INVITE
b sends 486
a expects 486
