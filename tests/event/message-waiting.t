# messages that wait: a voice mail system says so by NOTIFY and by PUBLISH, the phone's lamp follows (RFC 3842, 3903)
user 201
user 202
user 299 voice-mail
phone a 201 tls
phone b 202 tls
phone m 299 udp
a requests SUBSCRIBE 201 "Event: message-summary" "Expires: 600"
a expects 200
a expects NOTIFY "Content-Type: application/simple-message-summary" "Messages-Waiting: no" "Voice-Message: 0/0 (0/0)" "Message-Account: sip:201@pbx.example"
a sends 200 to
b requests SUBSCRIBE 201 "Event: message-summary"
b expects 403 "RF-503"
elapse 1s
m requests NOTIFY 201 "Event: message-summary" "Subscription-State: active" type=application/simple-message-summary "body=Messages-Waiting: yes|Voice-Message: 2/8 (1/0)"
m expects 200
a expects NOTIFY "Messages-Waiting: yes" "Voice-Message: 2/8 (1/0)"
a sends 200 to
# the same again is no news
m requests NOTIFY 201 "Event: message-summary" type=application/simple-message-summary "body=Messages-Waiting: yes|Voice-Message: 2/8 (1/0)"
m expects 200
elapse 2s
a expects nothing
m requests PUBLISH 201 "Event: message-summary" "Expires: 120" type=application/simple-message-summary "body=Messages-Waiting: yes|Voice-Message: 3/8"
m expects 200 "SIP-ETag: " "Expires: 120"
a expects NOTIFY "Voice-Message: 3/8"
a sends 200 to
# who else says so is not believed
b requests NOTIFY 201 "Event: message-summary" type=application/simple-message-summary "body=Messages-Waiting: no"
b expects 403
b requests PUBLISH 201 "Event: message-summary" type=application/simple-message-summary "body=Messages-Waiting: no"
b expects 403 "may-set-mailboxes"
m requests PUBLISH 201 "Event: message-summary" "SIP-If-Match: nonsense" type=application/simple-message-summary "body=Messages-Waiting: no"
m expects 412
m requests PUBLISH 201 "Event: presence" type=application/simple-message-summary "body=Messages-Waiting: no"
m expects 489
m requests PUBLISH 201 "Event: message-summary" type=text/plain "body=Messages-Waiting: no"
m expects 415
m requests PUBLISH 201 "Event: message-summary" type=application/simple-message-summary "body=Voice-Message: no"
m expects 400
restart
a returns
elapse 4s
a expects NOTIFY "Voice-Message: 3/8"
a sends 200 to
a sends SUBSCRIBE "Event: message-summary" "Expires: 0"
a expects 200
a expects NOTIFY
a sends 200 to
