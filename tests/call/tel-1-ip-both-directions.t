# a connection of type ip: a call in by its number, a call out by a route, no sign-in (TEL-1, TEL-3)
user 201
phone a 201 tls
phone carrier +4930123456 udp unregistered
connection carrier type=ip side=customer allow=192.0.2.11 server=192.0.2.11 inbound.srtp=off outbound.srtp=off
number +442071838750 connection=carrier to=201
route out match=+* use=carrier
carrier sends INVITE +442071838750 avp
a expects INVITE savp "From: <sip:+4930123456@pbx.example>" "INVITE sip:201@192.0.2.10:5060"
a sends 180
carrier expects 180
a sends 200 savp
a expects ACK
carrier expects 200 avp "192.0.2.1"
carrier sends ACK
relay leg A clear sends listens
relay leg B encrypted required
carrier sends BYE
carrier expects 200
a expects BYE
a sends 200 to
record has '"connection":"carrier"' '"sign_in":"address"' '"from":"+4930123456"' '"to":"+442071838750"'
a sends INVITE +4930123456 savp
carrier expects INVITE avp "INVITE sip:+4930123456@192.0.2.11 SIP" 'From: <sip:201@pbx.example>' "To: <sip:+4930123456@192.0.2.11>" !"P-Asserted-Identity" !"a=crypto" !"192.0.2.10" !"User 201"
carrier sends 200 avp
carrier expects ACK
a expects 200 savp
a sends ACK
carrier sends BYE
carrier expects 200
a expects BYE
a sends 200 to
record has '"to":"+4930123456"' '"connection":"carrier"'
