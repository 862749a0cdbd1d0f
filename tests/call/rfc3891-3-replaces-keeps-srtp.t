# RFC 3891 3, TEL-37: a connection replaces its leg of a call that had to leave encrypted (outbound.srtp): its INVITE must be, too, whatever inbound.srtp says
user 201
phone a 201 tls
phone k +4930123456 tls unregistered
phone k2 +4930123456 tls unregistered
include scenes/connection-replaces-its-leg.scene
# a call from there stays under inbound.srtp
k sends INVITE 100 avp
a expects INVITE savp
a sends 486
a expects ACK
k expects 486
