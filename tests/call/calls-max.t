# the worker is full: 503, RF-512
set calls-max 1
include scenes/call-up.scene
b sends INVITE 201 savp
b expects 503 RF-512
a sends BYE
a expects 200
b expects BYE
b sends 200 to
