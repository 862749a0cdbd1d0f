# a connection that says nothing of forwarded-by learns nothing, and names of our users stay inside
user 201
user 202 forward-always=+4930123456
phone a 201 tls
phone plain + udp unregistered
phone named + udp unregistered
phone trusted + udp unregistered
connection plain type=ip server=192.0.2.11 allow=192.0.2.11
connection named type=ip server=192.0.2.12 allow=192.0.2.12 caller-name=Office
connection trusted type=ip server=192.0.2.13 allow=192.0.2.13 trust-identity=on
route out match=+* use=plain
route second match=+1* use=named
route third match=+2* use=trusted
a sends INVITE 202 savp
a expects 181
plain expects INVITE !"Diversion" !"History-Info" !"202@" !"User 201" "From: <sip:201@pbx.example>"
plain sends 486
plain expects ACK
a expects 486
a sends INVITE +1555 savp
named expects INVITE 'From: "Office" <sip:201@pbx.example>' !"User 201"
named sends 486
named expects ACK
a expects 486
a sends INVITE +2555 savp
trusted expects INVITE 'From: "User 201" <sip:201@pbx.example>' 'P-Asserted-Identity: "User 201"'
trusted sends 486
trusted expects ACK
a expects 486
