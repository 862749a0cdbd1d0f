# a carrier challenges our INVITE: we answer with the connection's name and password, once (TEL-1)
user 201
phone a 201 tls
phone carrier + udp unregistered
connection carrier type=credential side=customer username=office1 password=secret server=carrier.example
route out match=+* use=carrier
a sends INVITE +4930123456 savp
carrier expects INVITE "CSeq: 1 INVITE" !"Authorization"
carrier sends 407 'Proxy-Authenticate: Digest realm="carrier.example", nonce="abc", algorithm=SHA-256, qop="auth"'
carrier expects ACK
carrier expects INVITE "CSeq: 2 INVITE" 'Proxy-Authorization: Digest username="office1", realm="carrier.example", nonce="abc"' 'uri="sip:+4930123456@carrier.example'
carrier sends 407 'Proxy-Authenticate: Digest realm="carrier.example", nonce="def", algorithm=SHA-256, qop="auth"'
carrier expects ACK
a expects 480
carrier expects nothing
a sends INVITE +4930123456 savp
carrier expects INVITE
carrier sends 401 'WWW-Authenticate: Digest realm="carrier.example", nonce="abc", algorithm=MD5, qop="auth"'
carrier expects ACK
carrier expects INVITE 'Authorization: Digest username="office1"'
carrier sends 401 'WWW-Authenticate: Digest realm="carrier.example", nonce="def", stale=true, algorithm=MD5, qop="auth"'
carrier expects ACK
carrier expects INVITE 'nonce="def"'
carrier sends 200 avp
carrier expects ACK
a expects 200
a sends ACK
a sends BYE
a expects 200
carrier expects BYE
carrier sends 200 to
record lacks secret response
