# 183 and 200 carry the same crypto line; early media is encrypted on both legs (TEL-24)
user 201
user 202
phone a 201 tls
phone b 202 tls
a sends INVITE 202 savp
b expects INVITE
relay leg A unset
b sends 183 savp
a expects 183 savp
relay leg A encrypted required sends listens
relay leg B encrypted required sends listens
b sends 200 savp
a expects 200 savp same-crypto
relay leg A encrypted required sends listens keys=1
a sends ACK
b forgets
a sends BYE
b expects BYE
b sends 200 to
