# RFC 3891: who stays answers the join in clear where it must be encrypted: nobody is joined (TEL-31)
user 201 
user 202 watched-by=203
user 203 optional
phone a 201 tls
phone b 202 tls
phone c 203 tls
a sends INVITE 202 savp
b expects INVITE
b sends 200 savp
b expects ACK
a expects 200
a sends ACK
c sends INVITE 201 avp "Replaces: {b}"
elapse 1s
a expects INVITE savp
b expects BYE
b sends 200 to
a sends 200 avp ver=2
a expects ACK
a expects BYE "cause=88"
a sends 200 to
c expects 488
c sends ACK
