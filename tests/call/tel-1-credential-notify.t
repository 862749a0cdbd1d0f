# a carrier challenges NOTIFY of a transfer like every other request of ours, the last one, too, which comes beside BYE (TEL-1, RFC 3515 2.4.4, RFC 3261 22.2)
user 201
user 202
phone a 201 tls
phone b 202 tls
phone carrier + udp unregistered
connection carrier type=credential side=customer username=office1 password=secret server=carrier.example inbound.srtp=off outbound.srtp=off
number +442071838751 connection=carrier to=202
route out match=+* use=carrier
a sends INVITE +4930123456 savp
carrier expects INVITE
carrier sends 200 avp
carrier expects ACK
a expects 200
a sends ACK
carrier sends REFER "Refer-To: <sip:+442071838751@pbx.example>"
carrier expects 202
carrier expects NOTIFY "100 Trying" !"Authorization"
carrier sends 407 to 'Proxy-Authenticate: Digest realm="carrier.example", nonce="first", algorithm=SHA-256, qop="auth"'
carrier expects NOTIFY "100 Trying" 'Proxy-Authorization: Digest username="office1", realm="carrier.example", nonce="first"' "Event: refer" "Subscription-State: active" "Contact: "
carrier sends 200 to
b expects INVITE
b sends 180
carrier expects NOTIFY "180 Ringing" !"Authorization"
carrier sends 401 to 'WWW-Authenticate: Digest realm="carrier.example", nonce="ring", algorithm=MD5, qop="auth"'
carrier expects NOTIFY "180 Ringing" 'nonce="ring"'
carrier sends 407 to 'Proxy-Authenticate: Digest realm="carrier.example", nonce="never", algorithm=SHA-256, qop="auth"'
carrier expects nothing
b sends 200 savp
b expects ACK
a expects INVITE savp
a sends 200 savp ver=2
a expects ACK
carrier expects NOTIFY "200 OK" "terminated" !"Authorization"
carrier expects BYE !"Authorization"
carrier sends 200 to
carrier sends 407 to NOTIFY 'Proxy-Authenticate: Digest realm="carrier.example", nonce="last", algorithm=SHA-256, qop="auth"'
carrier expects NOTIFY "200 OK" "terminated" 'nonce="last"'
carrier sends 200 to
carrier expects nothing
a sends BYE
a expects 200
b expects BYE
b sends 200 to
record lacks secret response
