# SRTP is set for inbound and outbound calls by itself: required of what comes, not offered in what goes (TEL-37)
user 201
phone a 201 tls
phone carrier +4930123456 udp unregistered
connection carrier type=ip side=customer allow=192.0.2.11 server=192.0.2.11 inbound.srtp=required outbound.srtp=off
number +442071838750 connection=carrier to=201
route out match=+* use=carrier
carrier sends INVITE +442071838750 avp
carrier expects 488 'Reason: Q.850;cause=88;text="INCOMPATIBLE_DESTINATION"'
a expects nothing
a sends INVITE +4930123456 savp
carrier expects INVITE avp !"a=crypto"
carrier sends 200 avp
carrier expects ACK
a expects 200 savp
a sends ACK
relay leg B clear
a sends BYE
a expects 200
carrier expects BYE
carrier sends 200 to
