# RFC 3891 3, RFC 5589: a lamp says that a phone rings, and another user picks the call up: the caller's 200 has what that phone can, the others are cancelled
user 201
user 202
user 203
phone a 201 tls
phone b 202 tls
phone b2 202 tls
phone w 203 tls
phone c 203 tls
w requests SUBSCRIBE 202 "Event: dialog" "Expires: 600"
w expects 200
w expects NOTIFY
w sends 200 to
elapse 1s
a sends INVITE 202 savp
b expects INVITE
b2 expects INVITE
b sends 180
b2 sends 180
c forgets
w expects NOTIFY "<state>early</state>" 'call-id="rf' "local-tag" "remote-tag"
w sends 200 to
elapse 1s
w forgets
w sends 200 to
c sends INVITE 202 savp key=40 "Replaces: {^w}" "Require: replaces"
c expects 200 savp
c sends ACK
a expects 180
a expects 200 savp
a sends ACK
b expects CANCEL "cause=200"
b2 expects CANCEL "cause=200"
b sends 200 to
b sends 487
b expects ACK
b2 sends 200 to
b2 sends 487
b2 expects ACK
relay leg A encrypted required sends listens
relay leg B encrypted required sends listens
shown has '"from":"201"' '"to":"202"' '"picked_up_by":"203"' '"state":"up"' '"user":"203"'
record has '"ended_by":"pickup"' '"from":"203"'
w forgets
w sends 200 to
elapse 1s
w forgets
w sends 200 to
a sends BYE
a expects 200
c expects BYE
c sends 200 to
elapse 3s
w forgets
w sends 200 to
w sends SUBSCRIBE "Event: dialog" "Expires: 0"
w expects 200
w expects NOTIFY
w sends 200 to
