# a watcher whose connection breaks is found by its registration, and told what it missed
user 201
user 202
user 203
phone w 203 tls
phone a 201 tls
phone b 202 tls
w requests SUBSCRIBE 202 "Event: dialog" "Expires: 600"
w expects 200
w expects NOTIFY
w sends 200 to
w leaves
a sends INVITE 202 savp
b expects INVITE
b sends 180 totag=ringing
elapse 5s
w returns
elapse 10s
w expects NOTIFY "<state>early</state>"
w sends 200 to
elapse 1s
a sends CANCEL
b expects CANCEL
b sends 200 to
b sends 487
b expects ACK
w expects NOTIFY "<state>terminated</state>"
w sends 200 to
a forgets
w sends SUBSCRIBE "Event: dialog" "Expires: 0"
w expects 200
w expects NOTIFY "terminated;reason=timeout"
w sends 200 to
