# a challenge that comes again with our credentials is not answered again: hold fails, BYE is over, the call has ended (TEL-1)
user 201
phone a 201 tls
phone carrier + udp unregistered
connection carrier type=credential side=customer username=office1 password=secret server=carrier.example
route out match=+* use=carrier
set session-expires 90
a sends INVITE +4930123456 savp
carrier expects INVITE
carrier sends 200 avp "Session-Expires: 90;refresher=uac" "Require: timer"
carrier expects ACK !"Authorization"
a expects 200
a sends ACK
a sends reINVITE savp dir=sendonly
carrier expects INVITE
carrier sends 407 'Proxy-Authenticate: Digest realm="carrier.example", nonce="one", algorithm=SHA-256, qop="auth"'
carrier expects ACK
carrier expects INVITE 'nonce="one"'
carrier sends 407 'Proxy-Authenticate: Digest realm="carrier.example", nonce="two", algorithm=SHA-256, qop="auth"'
carrier expects ACK
carrier expects nothing
a expects 488
elapse 46s
a expects INVITE savp
a sends 200 savp
a expects ACK
elapse 1.1s
carrier expects INVITE !"Authorization"
carrier sends 407 'Proxy-Authenticate: Digest realm="carrier.example", nonce="timer", algorithm=SHA-256, qop="auth"'
carrier expects ACK
carrier expects INVITE 'nonce="timer"'
carrier sends 200 avp "Session-Expires: 90;refresher=uac"
carrier expects ACK
a sends BYE
a expects 200
carrier expects BYE
carrier sends 407 to 'Proxy-Authenticate: Digest realm="carrier.example", nonce="three", algorithm=SHA-256, qop="auth"'
carrier expects BYE 'nonce="three"'
carrier sends 407 to 'Proxy-Authenticate: Digest realm="carrier.example", nonce="four", algorithm=SHA-256, qop="auth"'
carrier expects nothing
calls 0
