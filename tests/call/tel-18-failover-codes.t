# of a route of four connections 408 and 504 lead on, and 603 ends it (TEL-18)
user 201
phone a 201 tls
phone one + udp unregistered
phone two + udp unregistered
phone three + udp unregistered
phone four + udp unregistered
connection one type=ip side=customer allow=192.0.2.11 server=192.0.2.11 outbound.srtp=off
connection two type=ip side=customer allow=192.0.2.12 server=192.0.2.12 outbound.srtp=off
connection three type=ip side=customer allow=192.0.2.13 server=192.0.2.13 outbound.srtp=off
connection four type=ip side=customer allow=192.0.2.14 server=192.0.2.14 outbound.srtp=off
route out match=+* "use=one two three four"
a sends INVITE +4930 savp
one expects INVITE
one sends 408
one expects ACK
two expects INVITE
two sends 504
two expects ACK
three expects INVITE
three sends 603
three expects ACK
four expects nothing
a expects 603
a sends ACK
left nothing
