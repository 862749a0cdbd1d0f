# an answer has the session parameters that we offered, and we offer none: neither where they are allowed (TEL-29, RFC 4568 5.1.3)
user 201
user 202 allow-unencrypted-srtp
phone a 201 tls
phone b 202 tls
a sends INVITE 202 savp
b expects INVITE savp !UNENCRYPTED
b sends 200 savp params=UNENCRYPTED_SRTP
b expects ACK
b expects BYE 'cause=88'
b sends 200 to
a expects 488 RF-306
relay unbridged
a sends INVITE 202 savp
b expects INVITE savp
b sends 200 savp params=UNENCRYPTED_SRTCP
b expects ACK
b expects BYE 'cause=88'
b sends 200 to
a expects 488 RF-306
