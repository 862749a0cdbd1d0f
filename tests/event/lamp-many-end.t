# many dialogs end at once and do not fit a datagram one by one: all that is left is told instead, so no lamp stays on
user 201
user 202
user 203
user 204
phone w 204 udp
phone a 201 tls
phone c 203 tls
phone b0 202 tls
set udp-max 950
w requests SUBSCRIBE 202 "Event: dialog" "Expires: 600"
w expects 200
w expects NOTIFY
w sends 200 to
w forgets
b0 sends INVITE 203 savp
c expects INVITE
c sends 200 savp
c expects ACK
b0 expects 200
b0 sends ACK
elapse 1s
w expects NOTIFY 'state="full"' "confirmed"
w sends 200 to
w forgets
phone b1 202 tls
phone b2 202 tls
phone b3 202 tls
phone b4 202 tls
phone b5 202 tls
phone b6 202 tls
a sends INVITE 202 savp
b0 expects INVITE
b1 expects INVITE
b2 expects INVITE
b3 expects INVITE
b4 expects INVITE
b5 expects INVITE
b6 expects INVITE
b1 sends 180
elapse 1s
w expects NOTIFY "<state>early</state>"
w sends 200 to
w forgets
b2 sends 180
elapse 1s
w expects NOTIFY "<state>early</state>"
w sends 200 to
w forgets
b3 sends 180
elapse 1s
w expects NOTIFY "<state>early</state>"
w sends 200 to
w forgets
b4 sends 180
elapse 1s
w expects NOTIFY "<state>early</state>"
w sends 200 to
w forgets
b5 sends 180
elapse 1s
w expects NOTIFY "<state>early</state>"
w sends 200 to
w forgets
b6 sends 180
elapse 1s
w expects NOTIFY "<state>early</state>"
w sends 200 to
w forgets
a sends CANCEL
elapse 1s
w expects NOTIFY 'state="full"' "<state>confirmed</state>" !"terminated"
w sends 200 to
w forgets
elapse 2s
w expects nothing
a forgets
c forgets
w forgets
b0 forgets
b1 forgets
b2 forgets
b3 forgets
b4 forgets
b5 forgets
b6 forgets
stays
