# P-Asserted-Identity, Privacy and From at the border of trust (RFC 3325): nothing of one side's headers reaches another
user 201
phone a 201 tls
phone in +4930123456 udp unregistered
phone plain + udp unregistered
phone trusted + udp unregistered
connection in type=ip side=customer allow=192.0.2.11 trust-identity=on country-code=49
connection plain type=ip allow=192.0.2.12 server=192.0.2.12 caller-id=+442071838750
connection trusted type=ip allow=192.0.2.13 server=192.0.2.13 trust-identity=on
number 100 connection=in to=201
number 200 connection=in to=plain
number 300 connection=in to=trusted
in sends INVITE 100 avp "P-Asserted-Identity: Bob <sip:030999999@in.example>" "X-Account: 17" "Diversion: <sip:1@x>"
a expects INVITE 'From: "Bob" <sip:+4930999999@pbx.example>' !"X-Account" !"Diversion" !"in.example"
a sends 180
in expects 180
in sends CANCEL
in expects 200
a expects CANCEL
a sends 200 to
a sends 487
a expects ACK
in expects 487
in sends INVITE 100 avp "P-Asserted-Identity: <sip:030999999@in.example>" "Privacy: id"
a expects INVITE 'From: "Anonymous" <sip:anonymous@anonymous.invalid>' !"30999999" !"P-Asserted"
a sends 486
a expects ACK
in expects 486
in sends INVITE 200 avp "P-Asserted-Identity: <sip:030999999@in.example>" "Privacy: id"
plain expects INVITE "From: <sip:+442071838750@pbx.example>" "Privacy: id" !"P-Asserted" !"30999999"
plain sends 486
plain expects ACK
in expects 486
in sends INVITE 300 avp "P-Asserted-Identity: <sip:030999999@in.example>" "Privacy: id"
trusted expects INVITE 'From: "Anonymous" <sip:anonymous@anonymous.invalid>' "P-Asserted-Identity: <sip:+4930999999@pbx.example>" "Privacy: id"
trusted sends 486
trusted expects ACK
in expects 486
