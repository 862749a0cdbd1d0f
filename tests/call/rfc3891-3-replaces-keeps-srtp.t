# RFC 3891 3, TEL-37: a connection replaces its leg of a call that had to leave encrypted (outbound.srtp): its INVITE must be, too, whatever inbound.srtp says
user 201
phone a 201 tls
phone k +4930123456 tls unregistered
phone k2 +4930123456 tls unregistered
connection k type=ip side=customer "allow=192.0.2.11 192.0.2.12" server=192.0.2.11 outbound.srtp=required inbound.srtp=off outbound.sip-transport-protocol=TLS
number 100 connection=k to=201
route out match=+* use=k
a sends INVITE +49301 savp
k expects INVITE savp
k sends 200 savp
k expects ACK
a expects 200
a sends ACK
k2 sends INVITE 100 avp "Replaces: {k}"
k2 expects 488 "cause=88"
k2 sends INVITE 100 savp key=7 "Replaces: {k}"
k expects BYE
k sends 200 to
a expects INVITE
a sends 200 savp ver=2
a expects ACK
k2 expects 200 savp
k2 sends ACK
relay leg A encrypted required sends listens
relay leg B encrypted required sends listens
a sends BYE
a expects 200
k2 expects BYE
k2 sends 200 to
# a call from there stays under inbound.srtp
k sends INVITE 100 avp
a expects INVITE savp
a sends 486
a expects ACK
k expects 486
