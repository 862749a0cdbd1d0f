# the customer picks TLS: its INVITE is taken by TLS on connections of every type, whatever transport we would use; who it is still counts (TEL-19)
user 201
phone a 201 tls
phone ip +4930111 tls unregistered
phone fqdn +4930222 tls unregistered
phone office office1 tls unregistered
phone other +4930111 tls unregistered mute
connection ip type=ip allow=192.0.2.11 server=192.0.2.11 inbound.sip-transport-protocol=UDP outbound.sip-transport-protocol=UDP
connection fqdn type=fqdn server=192.0.2.12 inbound.sip-transport-protocol=TCP outbound.sip-transport-protocol=TCP
connection office type=credential username=office1 password=secret
number 100 "connection=ip fqdn office" to=201
ip sends INVITE 100 avp
a expects INVITE "From: <sip:+4930111@pbx.example>"
a sends 486
a expects ACK
ip expects 486
fqdn sends INVITE 100 avp
a expects INVITE "From: <sip:+4930222@pbx.example>"
a sends 486
a expects ACK
fqdn expects 486
office sends INVITE 100 avp
a expects INVITE
a sends 486
a expects ACK
office expects 486
record has '"connection":"office"' '"transport":"TLS"'
other sends INVITE 100 avp
other expects 407 "Proxy-Authenticate: Digest"
a expects nothing
