# a carrier challenges each of our requests: re-INVITE, INFO and BYE are answered like the INVITE (TEL-1, RFC 3261 22.2)
user 201
phone a 201 tls
phone carrier + udp unregistered
connection carrier type=credential side=customer username=office1 password=secret server=carrier.example
route out match=+* use=carrier
a sends INVITE +4930123456 savp
carrier expects INVITE !"Authorization"
carrier sends 407 'Proxy-Authenticate: Digest realm="carrier.example", nonce="first", algorithm=SHA-256, qop="auth"'
carrier expects ACK
carrier expects INVITE 'nonce="first"'
carrier sends 200 avp
carrier expects ACK 'Proxy-Authorization: Digest username="office1", realm="carrier.example", nonce="first"'
a expects 200
a sends ACK
a sends reINVITE savp dir=sendonly
carrier expects INVITE "CSeq: 3 INVITE" dir=sendonly !"Authorization"
carrier sends 407 'Proxy-Authenticate: Digest realm="carrier.example", nonce="hold", algorithm=SHA-256, qop="auth"'
carrier expects ACK !"Authorization"
carrier expects INVITE "CSeq: 4 INVITE" dir=sendonly 'nonce="hold"'
carrier sends 200 avp dir=recvonly
carrier expects ACK 'nonce="hold"'
a expects 200 dir=recvonly
a sends ACK
a sends INFO "Signal=5"
carrier expects INFO "Signal=5" !"Authorization"
carrier sends 401 to 'WWW-Authenticate: Digest realm="carrier.example", nonce="key", algorithm=MD5, qop="auth"'
carrier expects INFO "Signal=5" 'Authorization: Digest username="office1", realm="carrier.example", nonce="key"' "Content-Type: application/dtmf-relay"
carrier sends 200 to
a expects 200
a sends BYE
a expects 200
carrier expects BYE !"Authorization"
carrier sends 407 to 'Proxy-Authenticate: Digest realm="carrier.example", nonce="bye", algorithm=SHA-256, qop="auth"'
carrier expects BYE 'nonce="bye"'
carrier sends 200 to
carrier expects nothing
record lacks secret response
