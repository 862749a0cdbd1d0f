# a connection none of whose servers can be reached gives way to the next one; when it was the last, the caller hears 503, destination out of order (TEL-6)
user 201
phone a 201 tls
phone carrier + tls unregistered
connection gone type=ip side=customer allow=192.0.2.99 server=192.0.2.99 outbound.sip-transport-protocol=TLS
connection there type=ip side=customer allow=192.0.2.11 server=192.0.2.11 outbound.sip-transport-protocol=TLS
route over match=1* "use=gone there"
route none match=2* use=gone
route busy match=3* "use=there gone"
a sends INVITE 11 savp
carrier expects INVITE avp
carrier sends 404
carrier expects ACK
a expects 404
a sends INVITE 22 savp
carrier expects nothing
a expects 503 'Reason: Q.850;cause=27;'
record has '"status":503'
a sends INVITE 33 savp
carrier expects INVITE
carrier sends 480
carrier expects ACK
a expects 480
