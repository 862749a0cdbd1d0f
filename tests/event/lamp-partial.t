# of several dialogs only those that changed are told, and after a loss all of them (RFC 4235 4.3)
user 201
user 202
user 203
phone w 203 tls
phone a 201 tls
phone c 203 tls
phone b 202 tls
w requests SUBSCRIBE 202 "Event: dialog" "Expires: 600"
w expects 200
w expects NOTIFY
w sends 200 to
elapse 1s
a sends INVITE 202 savp
b expects INVITE
b sends 180 totag=one
w expects NOTIFY 'state="full"' '"User 201"'
w sends 200 to
elapse 1s
c sends INVITE 202 savp
b expects INVITE
b sends 180 totag=two
w expects NOTIFY 'state="partial"' '"User 203"' !"User 201"
w sends 200 to
elapse 1s
c sends CANCEL
b expects CANCEL
b sends 200 to
b sends 487 totag=two
b expects ACK
w expects NOTIFY 'state="partial"' "<state>terminated</state>" !"User 201"
w sends 500 to
elapse 2.5s
w expects NOTIFY 'state="full"' '"User 201"'
w sends 200 to
a sends CANCEL
elapse 1s
w expects NOTIFY "<state>terminated</state>"
w sends 200 to
w sends SUBSCRIBE "Event: dialog" "Expires: 0"
w expects 200
w expects NOTIFY
w sends 200 to
b forgets
a forgets
c forgets
elapse 40s
left nothing
