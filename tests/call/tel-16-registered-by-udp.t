# a customer's connection that has registered by UDP is called by UDP, although TLS would be possible (TEL-16)
user 201
phone a 201 tls
phone office office1 udp
connection office type=credential username=office1 password=secret
number 100 connection=office
a sends INVITE 100 savp
office expects INVITE "Via: SIP/2.0/UDP " avp
office sends 200 avp
office expects ACK
a expects 200 savp
a sends ACK
a sends BYE
a expects 200
office expects BYE
office sends 200 to
