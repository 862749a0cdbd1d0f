# a connection with SRTP off answers our plain offer with suites: ACK, BYE with cause 88; the caller, who had SRTP, hears 488 (TEL-32)
user 201
phone a 201 tls
phone carrier + tls unregistered
connection carrier type=ip side=customer allow=192.0.2.11 server=192.0.2.11 outbound.sip-transport-protocol=TLS
route out match=+* use=carrier
a sends INVITE +4930 savp
carrier expects INVITE avp !"a=crypto"
carrier sends 200 avp+crypto
relay unbridged
carrier expects ACK
carrier expects BYE 'Reason: Q.850;cause=88;text="INCOMPATIBLE_DESTINATION"'
carrier sends 200 to
a expects 488 'Reason: Q.850;cause=88;text="INCOMPATIBLE_DESTINATION"' RF-305
