# a carrier that challenges the UPDATE of a session refresh is answered, too (TEL-1, RFC 3311)
set session-expires 90
user 201
phone a 201 tls
phone carrier + tls unregistered
connection carrier type=credential side=customer username=office1 password=secret server=carrier.example
route out match=+* use=carrier
a sends INVITE +4930123456 savp
carrier expects INVITE
carrier sends 200 avp "Session-Expires: 90;refresher=uac" "Require: timer" "Allow: INVITE, ACK, BYE, UPDATE"
carrier expects ACK
a expects 200
a sends ACK
elapse 46s
carrier expects UPDATE !"Authorization"
carrier sends 407 to 'Proxy-Authenticate: Digest realm="carrier.example", nonce="one", algorithm=SHA-256, qop="auth"'
carrier expects UPDATE 'Proxy-Authorization: Digest username="office1", realm="carrier.example", nonce="one"'
carrier sends 200 to "Session-Expires: 90;refresher=uac"
a forgets
a sends BYE
a expects 200
carrier expects BYE
carrier sends 200 to
a forgets
