# a customer's connection that registers here is called by the transport of its registration: TLS on that very connection, UDP after it has registered by UDP (TEL-16)
user 201
phone a 201 tls
phone office office1 tls
connection office type=credential username=office1 password=secret
connection strict type=credential username=strict1 password=secret require-tls=on
number 100 connection=office
number 101 connection=strict
a sends INVITE 100 savp
office expects INVITE "Via: SIP/2.0/TLS "
office sends 486
office expects ACK
a expects 486
office leaves
a sends INVITE 100 savp
office expects nothing
a expects 480
office returns
a sends INVITE 100 savp
office expects INVITE "Via: SIP/2.0/TLS "
office sends 486
office expects ACK
a expects 486
phone strict strict1 udp
a sends INVITE 101 savp
strict expects nothing
a expects 480 RF-508
