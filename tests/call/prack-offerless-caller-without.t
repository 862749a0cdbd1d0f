# an INVITE without an offer of a caller that does not take reliable 18x: leg B is not told that we do
user 201
user 202
phone a 201 tls
phone b 202 tls
a sends INVITE 202
b expects INVITE no-sdp !"100rel"
b sends 200 savp tag=1 suite=AES_CM_128_HMAC_SHA1_80
a expects 200 savp
a sends ACK savp
b expects ACK savp
a sends BYE
a expects 200
b expects BYE
b sends 200 to
