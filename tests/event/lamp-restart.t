# over a restart of signal: the same subscription goes on, told anew with higher CSeq and version; a call that is up is on it
user 201
user 202
user 203
phone w 203 tls
phone u 203 udp
phone a 201 tls
phone b 202 tls
w requests SUBSCRIBE 202 "Event: dialog" "Expires: 600"
w expects 200
w expects NOTIFY "CSeq: 1 NOTIFY"
w sends 200 to
a sends INVITE 202 savp
b expects INVITE
b sends 200 savp
b expects ACK
a expects 200
a sends ACK
elapse 1s
w expects NOTIFY "<state>confirmed</state>"
w sends 200 to
elapse 30s
restart
subscriptions 1
w returns
elapse 4s
w expects NOTIFY 'state="full"' "<state>confirmed</state>" "Subscription-State: active;expires=56" !"CSeq: 1 NOTIFY" !"CSeq: 2 NOTIFY"
w sends 200 to
a returns
b returns
a sends BYE
a expects 200
b expects BYE
b sends 200 to
elapse 1s
w expects NOTIFY "<state>terminated</state>"
w sends 200 to
w sends SUBSCRIBE "Event: dialog" "Expires: 600"
w expects 200
w expects NOTIFY
w sends 200 to
w sends SUBSCRIBE "Event: dialog" "Expires: 0"
w expects 200
w expects NOTIFY "terminated"
w sends 200 to
