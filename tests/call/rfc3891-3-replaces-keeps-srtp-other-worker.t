# RFC 3891 3, TEL-37: from another worker: a connection replaces its leg of a call that had to leave encrypted (outbound.srtp): its INVITE must be, too, whatever inbound.srtp says
workers 2
user 201
phone a 201 tls worker=0
phone k +4930123456 tls unregistered
phone k2 +4930123456 tls worker=1 unregistered
include scenes/connection-replaces-its-leg.scene
