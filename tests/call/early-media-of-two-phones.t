# two phones send early media, each with keys of its own; the one that spoke first answers, and media is hers again
user 201
user 202
phone a 201 tls
phone b 202 tls
phone c 202 tls
a sends INVITE 202 savp
b expects INVITE savp
c expects INVITE savp
b sends 183 savp port=5000 key=60
a expects 183 savp
relay leg B encrypted port=5000
c sends 183 savp port=6000 key=70
relay leg B encrypted port=6000
b sends 200 savp port=5000 key=60
b expects ACK
c expects CANCEL
c sends 200 to
c sends 487
c expects ACK
a expects 200 savp
a sends ACK
relay leg A encrypted sends listens
relay leg B encrypted port=5000 sends listens
a sends BYE
a expects 200
b expects BYE
b sends 200 to
