# a body that is no session description: 488, RF-514
user 201
user 202
phone a 201 tls
phone b 202 tls
a sends INVITE 202 garbage
a expects 488 RF-514
