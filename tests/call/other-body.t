# a body that is not SDP: 415 with Accept; a caller that takes no SDP: 406
user 201
user 202
phone a 201 tls
phone b 202 tls
a sends INVITE 202 savp "Accept: text/plain"
a expects 406
a sends INVITE 202 savp "Content-Encoding: gzip"
a expects 415 "Accept: application/sdp"
