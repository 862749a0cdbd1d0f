# re-INVITE: under the same keys nothing changes, ours neither; a new key of theirs gets a new one of ours, and the old one holds until the ACK (TEL-40)
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
a sends reINVITE savp dir=sendonly ver=2
b expects INVITE savp dir=sendonly same-crypto
b sends 200 savp dir=recvonly ver=2
b expects ACK
a expects 200 savp same-crypto
a sends ACK
relay leg A encrypted required keys=1
relay leg B encrypted required keys=1
a sends reINVITE savp ver=3
b expects INVITE savp same-crypto
b sends 200 savp ver=3
b expects ACK
a expects 200 savp same-crypto
a sends ACK
relay leg A encrypted required keys=1
a sends reINVITE savp key=77 ver=4
a expects 200 savp new-crypto
relay leg A encrypted required keys=2
relay leg B encrypted required keys=1
a sends ACK
relay leg A encrypted required keys=1
b expects nothing
b sends reINVITE savp key=88 ver=5
b expects 200 savp new-crypto
b sends ACK
a expects nothing
relay leg B encrypted required keys=1
a sends BYE
a expects 200
b expects BYE
b sends 200 to
