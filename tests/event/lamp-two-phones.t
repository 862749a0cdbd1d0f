# two phones of one user come back after a restart with other contacts: each is tried, and 481 leads to the other
user 201
user 202
user 203
phone w 203 tls
phone v 203 tls
phone a 201 tls
phone b 202 tls
w requests SUBSCRIBE 202 "Event: dialog" "Expires: 600"
w expects 200
w expects NOTIFY
w sends 200 to
restart
w moves
v moves
w returns
v returns
elapse 3s
v expects NOTIFY
v sends 481 to
elapse 3s
w expects NOTIFY 'state="full"'
w sends 200 to
elapse 1s
a returns
b returns
a sends INVITE 202 savp
b expects INVITE
b sends 180
w expects NOTIFY "<state>early</state>"
w sends 200 to
v expects nothing
a sends CANCEL
b expects CANCEL
b sends 200 to
b sends 487
elapse 1s
w expects NOTIFY
w sends 200 to
a forgets
b forgets
w sends SUBSCRIBE "Event: dialog" "Expires: 0"
w expects 200
w expects NOTIFY
w sends 200 to
