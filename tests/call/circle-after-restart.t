# a call that has left by a connection before is known as one after a restart of signal, too: transferred to the same number it is a circle (RFC 3261 16.3, docs/design/0020)
user 201
phone a 201 tls
phone carrier +4930123456 tls unregistered
connection carrier type=ip side=customer allow=192.0.2.11 server=192.0.2.11 outbound.srtp=required inbound.srtp=required outbound.sip-transport-protocol=TLS
number 100 connection=carrier to=201
route out match=+* use=carrier
a sends INVITE +4940999 savp
carrier expects INVITE savp
carrier sends 486
carrier expects ACK
a expects 486
carrier sends INVITE 100 savp "Session-ID: {+carrier}"
a expects INVITE savp
a sends 200 savp key=2 ver=2
a expects ACK
carrier expects 200 savp
carrier sends ACK
restart
a returns
carrier returns
a sends REFER "Refer-To: <sip:+4940999@pbx.example>"
a expects 202
carrier expects nothing
a expects NOTIFY "100"
a sends 200 to
a expects NOTIFY "482"
a sends 200 to
a sends BYE
a expects 200
carrier expects BYE
carrier sends 200 to
