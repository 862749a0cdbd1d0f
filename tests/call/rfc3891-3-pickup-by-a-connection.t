# RFC 3891 3, TEL-37: what rings at a connection is answered there; by an INVITE of its own with Replaces it would choose inbound.srtp where outbound.srtp is required
user 201
phone a 201 tls
phone k +4930123456 tls unregistered
connection k type=ip side=customer allow=192.0.2.11 server=192.0.2.11 outbound.srtp=required inbound.srtp=off outbound.sip-transport-protocol=TLS
number 100 connection=k to=201
route out match=+* use=k
a sends INVITE +49301 savp
k expects INVITE savp
k sends 180
a expects 180
k sends INVITE 100 avp "Replaces: {k}"
k expects 481
k sends 200 avp
k expects ACK
k expects BYE "Q.850;cause=88"
k sends 200 to
a expects 488
