# answer-profile savp: RTP/AVP with crypto is answered RTP/SAVP (TEL-23)
user 201 answer-savp
user 202
phone a 201 tls
phone b 202 tls
a sends INVITE 202 avp+crypto
b sends 200 savp
a expects 200 savp
a sends ACK
b forgets
a sends BYE
b expects BYE
b sends 200 to
