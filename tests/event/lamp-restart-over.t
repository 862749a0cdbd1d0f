# what ended while nobody served does not come back, and is forgotten
user 202
user 203
phone w 203 tls
w requests SUBSCRIBE 202 "Event: dialog" "Expires: 60"
w expects 200
w expects NOTIFY
w sends 200 to
w leaves
elapse 59s
subscriptions 1
restart
subscriptions 1
elapse 40s
subscriptions 0
