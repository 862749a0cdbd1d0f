# RFC 3891 3, RFC 3262 3: who picked up is not who the caller's 18x told of; a restart of signal before the caller is told of him: it is told by the new process
user 201
user 202
phone a 201 tls
phone b 202 tls
phone c 202 tls unregistered
a sends INVITE 202 savp "Supported: 100rel"
b expects INVITE
b sends 183 savp
a expects 183 savp "Require: 100rel"
c sends INVITE 202 savp key=40 codecs=0 "Replaces: {b}"
a sends PRACK rack
a expects 200
c expects 200 savp
c sends ACK
a expects 200 no-sdp
a sends ACK
b expects CANCEL
restart
a returns
c returns
elapse 3s
a expects INVITE savp
a sends 200 savp ver=2
a expects ACK
relay leg A encrypted required sends listens
relay leg B encrypted required sends listens
shown has '"picked_up_by":"202"' '"restored":true'
a sends BYE
a expects 200
c expects BYE
c sends 200 to
