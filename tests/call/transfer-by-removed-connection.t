# whose connection a reload took away while its call is up transfers nobody: it is no user, who may call anywhere (TEL-1)
user 201
user 202
phone a 201 tls
phone b 202 tls
phone carrier +4930123456 udp unregistered
phone other +4930222 udp unregistered
connection carrier type=ip side=customer allow=192.0.2.12 server=192.0.2.12 inbound.srtp=off outbound.srtp=off
connection other type=ip side=customer allow=192.0.2.13 server=192.0.2.13 inbound.srtp=off outbound.srtp=off
number +442071838750 connection=carrier to=201
route out match=+* use=other
carrier sends INVITE +442071838750 avp
a expects INVITE savp
a sends 200 savp
a expects ACK
carrier expects 200 avp
carrier sends ACK
reload "sip-connection carrier" "sip-connection new" "connection carrier" "connection new"
carrier sends REFER "Refer-To: <sip:+19005550100@pbx.example>"
carrier expects 202
carrier expects NOTIFY "100 Trying"
carrier sends 200 to
carrier expects NOTIFY "SIP/2.0 404"
carrier sends 200 to
other expects nothing
carrier sends REFER "Refer-To: <sip:202@pbx.example>"
carrier expects 202
carrier expects NOTIFY "100 Trying"
carrier sends 200 to
carrier expects NOTIFY "SIP/2.0 404"
carrier sends 200 to
b expects nothing
# the user's own right is what it was
a sends REFER "Refer-To: <tel:+19005550100>"
a expects 202
a expects NOTIFY
a sends 200 to
other expects INVITE avp "INVITE sip:+19005550100@192.0.2.13"
other sends 486
other expects ACK
a expects NOTIFY "486"
a sends 200 to
a sends BYE
a expects 200
carrier expects BYE
carrier sends 200 to
