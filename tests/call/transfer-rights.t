# whoever transfers needs the right to call there: a connection cannot send its calls out again, our user can
user 201
user 202
phone a 201 tls
phone carrier +4930123456 udp unregistered
connection carrier type=ip side=customer allow=192.0.2.11 server=192.0.2.11 inbound.srtp=off outbound.srtp=off
number +442071838750 connection=carrier to=201
route out match=+* use=carrier
carrier sends INVITE +442071838750 avp
a expects INVITE savp
a sends 200 savp
a expects ACK
carrier expects 200 avp
carrier sends ACK
carrier sends REFER "Refer-To: <sip:+19005550100@pbx.example>"
carrier expects 202
carrier expects NOTIFY "100 Trying"
carrier sends 200 to
carrier expects NOTIFY "SIP/2.0 404"
carrier sends 200 to
a expects nothing
carrier sends REFER "Refer-To: <sip:202@pbx.example>"
carrier expects 202
carrier expects NOTIFY "100 Trying"
carrier sends 200 to
carrier expects NOTIFY "SIP/2.0 404"
carrier sends 200 to
a sends REFER "Refer-To: <tel:+19005550100>"
a expects 202
a expects NOTIFY
a sends 200 to
carrier expects INVITE avp "INVITE sip:+19005550100@192.0.2.11" "From: <sip:+4930123456@pbx.example>" !"Referred-By"
carrier sends 486
carrier expects ACK
a expects NOTIFY "486"
a sends 200 to
a sends BYE
a expects 200
