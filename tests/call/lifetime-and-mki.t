# lifetime and MKI in a crypto line are understood, together and alone, and nothing of them is echoed (TEL-39)
user 201
user 202
phone a 201 tls
phone b 202 tls
a sends INVITE 202 savp lifetime mki
b expects INVITE savp !"|"
b sends 200 savp lifetime mki
a expects 200 savp !"|"
a sends ACK
relay leg A encrypted required keys=1
relay leg B encrypted required keys=1
b forgets
a sends BYE
a expects 200
b expects BYE
b sends 200 to
a sends INVITE 202 savp lifetime
b expects INVITE
b sends 200 savp mki
b expects ACK
a expects 200 savp !"|"
a sends ACK
relay leg A encrypted required keys=1
relay leg B encrypted required keys=1
a sends BYE
a expects 200
b expects BYE
b sends 200 to
