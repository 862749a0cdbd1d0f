# srtp optional: we offer RTP/AVP with a=crypto (RFC 8643); a suite in the answer makes it SRTP
user 201 optional
user 202 optional
phone a 201 tls
phone b 202 tls
a sends INVITE 202 avp+crypto
b expects INVITE avp+crypto
b sends 200 avp+crypto
b expects ACK
a expects 200 avp+crypto
a sends ACK
relay leg A encrypted
relay leg B encrypted
a sends BYE
a expects 200
b expects BYE
b sends 200 to
