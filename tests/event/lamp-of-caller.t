# the lamp of who calls: trying, early, confirmed; a refused call ends it
user 201
user 202
user 203
phone w 203 tls
phone a 201 tls
phone b 202 tls
w requests SUBSCRIBE 201 "Event: dialog;id=7" "Expires: 600"
w expects 200
w expects NOTIFY "Event: dialog;id=7"
w sends 200 to
elapse 1s
a sends INVITE 202 savp
w expects NOTIFY 'direction="initiator"' "<state>trying</state>" "sip:202@pbx.example"
w sends 200 to
elapse 1s
b sends 180
w expects NOTIFY "<state>early</state>"
w sends 200 to
elapse 1s
b sends 486
b expects INVITE
b expects ACK
a expects 180
a expects 486
w expects NOTIFY "<state>terminated</state>"
w sends 200 to
elapse 600s
w expects NOTIFY "Subscription-State: terminated;reason=timeout"
w sends 200 to
elapse 100ms
subscriptions 0
