# SRTP on: a connection that answers without a suite, in 200 and in 183, RTP/AVP and RTP/SAVP; nothing is bridged, cause 88 (TEL-31)
user 201
phone a 201 tls
phone carrier + tls unregistered
connection carrier type=ip side=customer allow=192.0.2.11 server=192.0.2.11 outbound.srtp=required outbound.sip-transport-protocol=TLS
route out match=+* use=carrier
a sends INVITE +4930 savp
carrier expects INVITE savp
carrier sends 180
a expects 180
carrier sends 200 avp
relay unbridged
carrier expects ACK
carrier expects BYE 'Reason: Q.850;cause=88;text="INCOMPATIBLE_DESTINATION"'
carrier sends 200 to
a expects 488 'Reason: Q.850;cause=88;text="INCOMPATIBLE_DESTINATION"' RF-304
record has RF-304 '"status":488' '"q850_cause":88'
a sends INVITE +4930 savp
carrier expects INVITE savp
carrier sends 200 savp-plain
relay unbridged
carrier expects ACK
carrier expects BYE "cause=88"
carrier sends 200 to
a expects 488 "cause=88" RF-30
a sends INVITE +4930 savp
carrier expects INVITE savp
carrier sends 183 avp
carrier expects CANCEL 'Reason: Q.850;cause=88;text="INCOMPATIBLE_DESTINATION"'
relay unbridged
a expects 488 "cause=88" RF-304
carrier sends 200 to
carrier sends 487
carrier expects ACK
