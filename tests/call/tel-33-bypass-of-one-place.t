# TEL-33, TEL-35: a connection's media-handling-mode bypass is its own: another one of the same route keeps its SRTP, first or after a 488
user 201 off
phone a 201 tls
phone strict +4930123456 tls unregistered
phone lax +4930123456 tls unregistered
connection strict type=ip side=customer allow=192.0.2.11 server=192.0.2.11 outbound.srtp=required inbound.srtp=required outbound.sip-transport-protocol=TLS
connection lax type=ip side=customer allow=192.0.2.12 server=192.0.2.12 outbound.srtp=off inbound.srtp=off outbound.sip-transport-protocol=TLS media-handling-mode=bypass
route first match=+49* "use=strict lax"
route second match=+44* "use=lax strict"
route third match=+33* use=lax
a sends INVITE +49301 avp port=42000
strict expects INVITE savp !"42000"
strict sends 486
strict expects ACK
a expects 486
a sends INVITE +44301 avp port=42000
lax expects INVITE avp !"42000"
lax sends 488
lax expects ACK
strict expects INVITE savp !"42000"
strict sends 486
strict expects ACK
a expects 486
a sends INVITE +33301 avp port=42000
lax expects INVITE avp "m=audio 42000 RTP/AVP"
lax sends 486
lax expects ACK
a expects 486
record has '"code":"RF-307"'
