# watched-by, one's own lamp, strangers, users that are not there, connections; and what a reload takes away
user 201
user 202 watched-by=203
user 203
phone a 201 tls
phone w 203 tls
phone b 202 tls
phone in + udp unregistered
connection in type=ip allow=192.0.2.13 server=192.0.2.13
a requests SUBSCRIBE 202 "Event: dialog"
a expects 403 "RF-503" "watched-by"
a requests SUBSCRIBE 299 "Event: dialog"
a expects 404
in asks SUBSCRIBE 202
in expects 489
in requests SUBSCRIBE 202 "Event: dialog"
in expects 403
b requests SUBSCRIBE 202 "Event: dialog" "Expires: 0"
b expects 200
b expects NOTIFY "terminated;reason=timeout" "<dialog-info"
b sends 200 to
a requests SUBSCRIBE 202 "Event: presence"
a expects 489 "Allow-Events: dialog, message-summary"
a requests SUBSCRIBE 203 "Event: dialog" "Accept: application/pidf+xml"
a expects 406
a requests SUBSCRIBE 203 "Event: dialog" "Expires: 30"
a expects 423 "Min-Expires: 60"
a requests SUBSCRIBE 203 "Event: dialog" "Require: eventlist"
a expects 420
a pretends 203
a requests SUBSCRIBE 202 "Event: dialog"
a expects 403 "RF-503"
w requests SUBSCRIBE 202 "Event: dialog"
w expects 200
w expects NOTIFY
w sends 200 to
unwatched 202 201
w expects NOTIFY "Subscription-State: terminated;reason=rejected" !"<dialog"
w sends 200 to
elapse 100ms
subscriptions 0
