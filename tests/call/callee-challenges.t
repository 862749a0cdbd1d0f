# a phone that challenges us is a failure: we have no password of its
user 201
user 202
phone a 201 tls
phone b 202 tls
a sends INVITE 202 savp
b sends 401 'WWW-Authenticate: Digest realm="x", nonce="y"'
a expects 480 !"WWW-Authenticate"
