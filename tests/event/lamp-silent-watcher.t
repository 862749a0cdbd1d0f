# a watcher that is gone without a word ends its subscription after timer F (RFC 6665 4.2.2)
user 202
user 203
phone w 203 tls
w requests SUBSCRIBE 202 "Event: dialog" "Expires: 600"
w expects 200
w expects NOTIFY
elapse 31s
subscriptions 1
elapse 2s
subscriptions 0
