# whom a transfer reaches may forward where he may call himself, and no further
user 201
user 202 forward-always=+4930999
phone a 201 tls
phone b 202 tls
phone carrier +4930123456 udp unregistered
connection carrier type=ip side=customer allow=192.0.2.12 server=192.0.2.12 inbound.srtp=off outbound.srtp=off
number 100 connection=carrier to=201
route out match=+* use=carrier from=201
carrier sends INVITE 100 avp
a expects INVITE savp
a sends 200 savp
a expects ACK
carrier expects 200 avp
carrier sends ACK
a sends REFER "Refer-To: <sip:202@pbx.example>"
a expects 202
a expects NOTIFY
a sends 200 to
a expects NOTIFY "404"
a sends 200 to
carrier sends BYE
carrier expects 200
a expects BYE
a sends 200 to
