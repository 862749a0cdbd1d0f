# the user exists and has no phone: 480, RF-509
user 201
user 202
phone a 201 tls
a sends INVITE 202 savp
a expects 480 RF-509 "cause=20"
