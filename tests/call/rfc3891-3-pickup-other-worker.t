# RFC 3891 3: who picks up belongs to another worker than the call that rings: his INVITE goes there, and all that follows; who may not is told so
workers 2
user 201
user 202
user 203
user 204 watched-by=202
phone a 201 tls worker=0
phone b 202 tls
phone w 203 tls worker=0
phone c 203 tls worker=1
phone d 204 tls worker=1
w requests SUBSCRIBE 202 "Event: dialog" "Expires: 600"
w expects 200
w expects NOTIFY
w sends 200 to
elapse 1s
c forgets
a sends INVITE 202 savp
b expects INVITE
b sends 180
a expects 180
w expects NOTIFY "<state>early</state>" 'call-id="rf'
w sends 200 to
c forgets
w forgets
d sends INVITE 202 savp key=39 "Replaces: x;to-tag=y;from-tag=z"
d expects 481
d sends INVITE 202 avp "Replaces: {^w}"
d expects 488
c sends INVITE 202 savp key=40 "Replaces: {^w};early-only"
c expects 200 savp
c sends ACK
a expects 200 savp
a sends ACK
b expects CANCEL
b sends 200 to
b sends 487
b expects ACK
relay leg A encrypted required sends listens
relay leg B encrypted required sends listens
shown has '"from":"201"' '"picked_up_by":"203"' '"state":"up"'
c sends INFO "Signal=5"
a expects INFO "Signal=5"
a sends 200 to
c expects 200
d sends INVITE 202 savp key=42 "Replaces: {^w}"
d expects 603
w forgets
w sends 200 to
elapse 300ms
w forgets
w sends 200 to
c sends BYE
c expects 200
a expects BYE
a sends 200 to
elapse 3s
w forgets
w sends 200 to
w sends SUBSCRIBE "Event: dialog" "Expires: 0"
w expects 200
w expects NOTIFY
w sends 200 to
