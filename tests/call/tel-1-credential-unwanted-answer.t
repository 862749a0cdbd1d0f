# a carrier's 200 that crosses our CANCEL, and one that is refused: their BYE is challenged, and answered (TEL-1, TEL-31)
user 201
phone a 201 tls
phone carrier + tls unregistered
connection carrier type=credential side=customer username=office1 password=secret server=carrier.example outbound.srtp=required
route out match=+* use=carrier
a sends INVITE +4930123456 savp
carrier expects INVITE
carrier sends 180
a expects 180
a sends CANCEL
a expects 200
a expects 487
carrier expects CANCEL
carrier sends 200 savp
carrier expects ACK
carrier expects BYE !"Authorization"
carrier sends 407 to 'Proxy-Authenticate: Digest realm="carrier.example", nonce="one", algorithm=SHA-256, qop="auth"'
carrier expects BYE 'Proxy-Authorization: Digest username="office1", realm="carrier.example", nonce="one"'
carrier sends 200 to
a sends INVITE +4930123456 savp
carrier expects INVITE savp
carrier sends 200 avp
carrier expects ACK
carrier expects BYE "cause=88" !"Authorization"
carrier sends 401 to 'WWW-Authenticate: Digest realm="carrier.example", nonce="two", algorithm=MD5, qop="auth"'
carrier expects BYE "cause=88" 'nonce="two"'
carrier sends 401 to 'WWW-Authenticate: Digest realm="carrier.example", nonce="three", algorithm=MD5, qop="auth"'
carrier expects nothing
a expects 488
