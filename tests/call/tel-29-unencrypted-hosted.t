# on platform hosted nothing is left in clear, whatever is set (TEL-29)
user 201 allow-unencrypted-srtp hosted
user 202 hosted
phone a 201 tls
phone b 202 tls
a sends INVITE 202 savp params=UNENCRYPTED_SRTP
a expects 488 'Reason: Q.850;cause=88'
b expects nothing
a sends INVITE 202 savp params=UNENCRYPTED_SRTCP
a expects 488
a sends INVITE 202 savp twice params=UNENCRYPTED_SRTP
b expects INVITE savp
b sends 200 savp
b expects ACK
a expects 200 savp "a=crypto:2 " !UNENCRYPTED
a sends ACK
relay leg A encrypted required all-encrypted
a sends BYE
a expects 200
b expects BYE
b sends 200 to
