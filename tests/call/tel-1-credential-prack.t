# a carrier challenges PRACK like every other request of ours (TEL-1, RFC 3262 4, RFC 3261 22.2)
user 201
phone a 201 tls
phone carrier + udp unregistered
connection carrier type=credential side=customer username=office1 password=secret server=carrier.example
route out match=+* use=carrier
a sends INVITE +4930123456 savp
carrier expects INVITE "100rel"
carrier sends 183 avp "Require: 100rel" "RSeq: 7" "Contact: <sip:early@192.0.2.11>"
carrier expects PRACK "RAck: 7 1 INVITE" "CSeq: 2 PRACK" !"Authorization"
carrier sends 407 to 'Proxy-Authenticate: Digest realm="carrier.example", nonce="prack", algorithm=SHA-256, qop="auth"'
carrier expects PRACK "RAck: 7 1 INVITE" "CSeq: 3 PRACK" 'nonce="prack"' "Proxy-Authorization: Digest username="
carrier sends 407 to 'Proxy-Authenticate: Digest realm="carrier.example", nonce="again", algorithm=SHA-256, qop="auth"'
carrier expects nothing
a expects 183
carrier sends 200 avp
carrier expects ACK
a expects 200
a sends ACK
a sends BYE
a expects 200
carrier expects BYE
carrier sends 200 to
record lacks secret response
