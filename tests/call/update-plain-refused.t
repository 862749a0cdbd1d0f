# an UPDATE in clear to a leg that requires SRTP is refused and changes nothing
user 201
user 202
phone a 201 tls
phone b 202 tls
a sends INVITE 202 savp
b expects INVITE savp
b sends 200 savp
b expects ACK
a expects 200 savp
a sends ACK
a sends UPDATE avp ver=2
a expects 488 "RF-301"
b expects nothing
relay leg A encrypted required sends listens
a sends BYE
a expects 200
b expects BYE
b sends 200 to
