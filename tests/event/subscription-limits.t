# each user has its share of subscriptions; one that ends gives its place back
user 202
user 203
phone w 203 tls
phone v 203 tls
phone x 203 tls
set subscriptions-per-user 2
w requests SUBSCRIBE 202 "Event: dialog"
w expects 200
w expects NOTIFY
w sends 200 to
v requests SUBSCRIBE 202 "Event: dialog"
v expects 200
v expects NOTIFY
v sends 200 to
x requests SUBSCRIBE 202 "Event: dialog"
x expects 503 "RF-512" "Retry-After"
w sends SUBSCRIBE "Event: dialog" "Expires: 0"
w expects 200
w expects NOTIFY
w sends 200 to
elapse 1s
x requests SUBSCRIBE 202 "Event: dialog"
x expects 200
x expects NOTIFY
x sends 200 to
x sends SUBSCRIBE "Event: dialog" "Expires: 0"
x expects 200
x expects NOTIFY
x sends 200 to
v sends SUBSCRIBE "Event: dialog" "Expires: 0"
v expects 200
v expects NOTIFY
v sends 200 to
