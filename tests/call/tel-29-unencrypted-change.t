# what was agreed in clear goes on so through a hold, and ends with an offer that encrypts (TEL-29, RFC 4568 7.1.4)
user 201 allow-unencrypted-srtp
user 202
phone a 201 tls
phone b 202 tls
a sends INVITE 202 savp params=UNENCRYPTED_SRTP
b expects INVITE savp !UNENCRYPTED
b sends 200 savp
b expects ACK
a expects 200 savp " UNENCRYPTED_SRTP"
a sends ACK
relay leg A unencrypted required
packets A in 10 bare
packets A out 10 clear
packets B in 10 enc
packets B out 10 enc
elapse 6s
shown has '"verdict":"PARTLY"'
# the other side holds: our offer repeats the line that was agreed, and an answer without its parameter is none
b sends reINVITE savp dir=sendonly ver=2
a expects INVITE savp same-crypto " UNENCRYPTED_SRTP" dir=sendonly
a sends 200 savp dir=recvonly ver=2 params=UNENCRYPTED_SRTP
a expects ACK
b expects 200 savp
b sends ACK
relay leg A unencrypted required
# a new process knows it, and that it was allowed
restart
a returns
b returns
b sends reINVITE savp ver=3
a expects INVITE savp same-crypto " UNENCRYPTED_SRTP"
a sends 200 savp ver=3 params=UNENCRYPTED_SRTP
a expects ACK
b expects 200 savp
b sends ACK
relay leg A unencrypted required
# its own offer encrypts, under another key
a sends reINVITE savp key=77 ver=4
a expects 200 savp new-crypto !UNENCRYPTED
a sends ACK
relay leg A encrypted required
b expects nothing
packets A in 10 enc
packets A out 10 enc
packets B in 10 enc
packets B out 10 enc
elapse 6s
packets A in 10 enc
packets A out 10 enc
packets B in 10 enc
packets B out 10 enc
elapse 6s
shown has '"verdict":"ENCRYPTED"' '"verdict_min":"PARTLY"' '"code":"RF-403"' '"protection":"SRTP"'
a sends BYE
a expects 200
b expects BYE
b sends 200 to
