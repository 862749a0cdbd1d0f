# a watcher that does not answer is not sent more: when it does, it gets the newest once (E2)
user 201
user 202
user 203
phone w 203 tls
phone a 201 tls
phone b 202 tls
w requests SUBSCRIBE 202 "Event: dialog" "Expires: 600"
w expects 200
w expects NOTIFY
a sends INVITE 202 savp
b expects INVITE
b sends 180
elapse 1s
b sends 200 savp
b expects ACK
a sends ACK
elapse 2s
w expects nothing
w sends 200 to
w expects NOTIFY 'version="1"' "<state>confirmed</state>"
w sends 200 to
a sends BYE
b expects BYE
b sends 200 to
elapse 1s
w expects NOTIFY 'version="2"' "<state>terminated</state>"
w sends 481 to
elapse 1s
w expects nothing
subscriptions 0
a forgets
