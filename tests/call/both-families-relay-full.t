# no port of the other family is to be had: the phone of the first one rings alone
user 201
user 202
phone a 201 tls
phone c 202 tls v6
phone b 202 tls
relay one-family
a sends INVITE 202 savp
b expects INVITE "c=IN IP4 192.0.2.1" "m=audio 30002 "
c expects nothing
b sends 486
a expects 486
