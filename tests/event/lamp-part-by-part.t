# RFC 4235 4.3, RFC 3261 18.1.1: more dialogs than fit a datagram are told part by part, versions one after the other, and none counts as told that was not
user 201
user 202
user 203
user 204
phone w 204 udp
phone a 201 tls
phone b0 202 tls
phone b1 202 tls
phone b2 202 tls
phone b3 202 tls
phone b4 202 tls
phone b5 202 tls
set udp-max 1750
a sends INVITE 202 savp
b0 expects INVITE
b1 expects INVITE
b2 expects INVITE
b3 expects INVITE
b4 expects INVITE
b5 expects INVITE
b0 sends 180
b1 sends 180
b2 sends 180
b3 sends 180
b4 sends 180
b5 sends 180
w requests SUBSCRIBE 202 "Event: dialog" "Expires: 600"
w expects 200
w expects NOTIFY 'version="0" state="full"' '-2" call-id' '-3" call-id' "<state>early</state>"
w sends 200 to
elapse 300ms
w expects NOTIFY 'version="1" state="partial"' '-4" call-id' '-5" call-id'
w sends 200 to
elapse 300ms
w expects NOTIFY 'version="2" state="partial"' '-6" call-id' '-7" call-id'
w sends 200 to
elapse 3s
w expects nothing
w sends SUBSCRIBE "Event: dialog" "Expires: 600"
w expects 200
w expects NOTIFY 'version="3" state="full"' '-2" call-id' '-3" call-id'
w sends 503 to
elapse 2.2s
w expects NOTIFY 'version="4" state="full"' '-2" call-id' '-3" call-id'
w sends 200 to
elapse 300ms
w expects NOTIFY 'version="5" state="partial"' '-4" call-id' '-5" call-id'
w sends 200 to
elapse 300ms
w expects NOTIFY 'version="6" state="partial"' '-6" call-id' '-7" call-id'
w sends 200 to
a forgets
b0 forgets
b1 forgets
b2 forgets
b3 forgets
b4 forgets
b5 forgets
a sends CANCEL
elapse 300ms
w expects NOTIFY 'version="7" state="full"' "terminated" !"early"
w sends 200 to
elapse 3s
w expects nothing
b0 sends 200 to
b1 sends 200 to
b2 sends 200 to
b3 sends 200 to
b4 sends 200 to
b5 sends 200 to
b0 sends 487
b1 sends 487
b2 sends 487
b3 sends 487
b4 sends 487
b5 sends 487
w sends SUBSCRIBE "Event: dialog" "Expires: 0"
w expects 200
w expects NOTIFY
w sends 200 to
