# a phone behind the address of a connection is challenged like any phone: From decides who must prove what
user 201
user 202
phone a 201 udp
phone b 202 tls
connection near type=ip side=customer allow=192.0.2.10
number 100 connection=near to=202
a sends INVITE 202 avp+crypto
b expects INVITE 'From: "User 201" <sip:201@pbx.example>'
b sends 486
b expects ACK
a expects 486
record has '"sign_in":"SHA-256"'
