# calls per user and in all: 503 with Retry-After, RF-512
set calls-per-user 1
include scenes/call-up.scene
phone c 201 tls
c sends INVITE 202 savp
c expects 503 RF-512 "Retry-After:"
a sends BYE
a expects 200
b expects BYE
b sends 200 to
b forgets
c sends INVITE 202 savp
b expects INVITE
b sends 486
c expects 486
