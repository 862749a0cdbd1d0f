# a connection whose calls are to go by TLS has registered by UDP: it is not called, and RF-508 says why (TEL-16)
user 201
phone a 201 tls
phone office office1 udp
connection office type=credential username=office1 password=secret inbound.sip-transport-protocol=TLS
number 100 connection=office
a sends INVITE 100 savp
office expects nothing
a expects 480 "RF-508"
record has RF-508 '"status":480'
