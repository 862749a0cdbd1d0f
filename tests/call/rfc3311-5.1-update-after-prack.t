# RFC 3262 5, RFC 3311 5.1: after the reliable answer an early UPDATE that moves leg A's media is answered at once
user 201
user 202
phone a 201 tls
phone b 202 tls
a sends INVITE 202 savp "Supported: 100rel"
b expects INVITE savp
b sends 183 savp
a expects 183 savp
a sends PRACK rack
a expects 200
a sends UPDATE savp port=7700 key=9 ver=2
a expects 200 savp
relay leg A encrypted required port=7700
a sends UPDATE savp codecs=8 ver=3
a expects 488
b expects nothing
b sends 200 savp
b expects ACK
a expects 200
a sends ACK
a sends BYE
a expects 200
b expects BYE
b sends 200 to
