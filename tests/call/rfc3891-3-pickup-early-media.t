# RFC 3891 3: the caller has heard early media of a phone that rings, under SRTP; who picks up in clear (optional) speaks with him all the same, each leg as its policy says
user 201
user 202
user 203 off
phone a 201 tls
phone b 202 tls
phone c 203 tls
a sends INVITE 202 savp
b expects INVITE
b sends 183 savp
a expects 183 savp
c sends INVITE 202 avp "Replaces: {b}" codecs=0
c expects 200 avp !"telephone-event"
c sends ACK
a expects 200 savp !"telephone-event"
a sends ACK
b expects CANCEL
b sends 200 to
b sends 487
b expects ACK
relay leg A encrypted required sends listens
relay leg B clear sends listens
c sends BYE
c expects 200
a expects BYE
a sends 200 to
