# TEL-29: at another worker: a connection that replaces its own leg inherits how strictly that had to be encrypted, and nothing that
# allow-unencrypted-srtp allowed when that call began
workers 2
user 201
phone a 201 tls worker=0
phone k +4930123456 tls unregistered
phone k2 +4930123456 tls worker=1 unregistered
connection k type=ip side=customer "allow=192.0.2.11 192.0.2.12" server=192.0.2.11 outbound.srtp=required inbound.srtp=optional outbound.sip-transport-protocol=TLS allow-unencrypted-srtp=on
number 100 connection=k to=201
route out match=+* use=k
a sends INVITE +49301 savp
k expects INVITE savp
k sends 200 savp
k expects ACK
a expects 200
a sends ACK
reload "allow-unencrypted-srtp on" ""
k2 sends INVITE 100 savp params=UNENCRYPTED_SRTP "Replaces: {k}"
k2 expects 488 "cause=88"
k2 sends INVITE 100 savp key=7 "Replaces: {k}"
k expects BYE
k sends 200 to
a expects INVITE
a sends 200 savp ver=2
a expects ACK
k2 expects 200 savp !UNENCRYPTED
k2 sends ACK
relay leg A encrypted required all-encrypted
relay leg B encrypted required all-encrypted
a sends BYE
a expects 200
k2 expects BYE
k2 sends 200 to
