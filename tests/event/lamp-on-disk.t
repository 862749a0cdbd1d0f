# 200 when it is on disk and not before; 500 when it cannot be kept, and then nothing is left of it (E1)
user 202
user 203
phone w 203 tls
disk slow
w requests SUBSCRIBE 202 "Event: dialog"
w expects nothing
disk works
w expects 200 "Expires: 3600"
w expects NOTIFY
w sends 200 to
disk fails
w sends SUBSCRIBE "Event: dialog" "Expires: 600"
w expects 500 "RF-516"
subscriptions 1
disk works
w sends SUBSCRIBE "Event: dialog" "Expires: 0"
w expects 200
w expects NOTIFY
w sends 200 to
disk fails
w requests SUBSCRIBE 202 "Event: dialog"
w expects 500
elapse 100ms
subscriptions 0
disk works
