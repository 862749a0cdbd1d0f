# bypass: keys leave over no clear leg, and none are taken from one (TEL-33, TEL-12)
user 201
user 202
phone a 201 tls
phone u 202 udp
phone carrier + udp unregistered
connection carrier type=ip side=customer allow=192.0.2.12 server=192.0.2.12 media-handling-mode=bypass
route out match=+* use=carrier
a sends INVITE +4930 savp
carrier expects nothing
a expects 488 "Q.850;cause=88"
u sends INVITE +4930 savp
u expects 488 "RF-309"
carrier expects nothing
a sends INVITE +4930 avp
carrier expects INVITE avp
carrier sends 200 avp
carrier expects ACK
a expects 200 avp
a sends ACK
a sends BYE
a expects 200
carrier expects BYE
carrier sends 200 to
