# a busy lamp: idle, ringing, busy, idle; one NOTIFY for each (RFC 4235), while it rings under a name by which the watcher may pick it up and nobody else's (RFC 3891)
user 201
user 202
user 203
phone w 203 tls
phone a 201 tls
phone b 202 tls
w requests SUBSCRIBE 202 "Event: dialog" "Accept: application/dialog-info+xml" "Expires: 600"
w expects 200 "Expires: 600" "Allow-Events: dialog, message-summary" "Contact: <sip:202@192.0.2.1:5060;transport=tls>"
w expects NOTIFY "Event: dialog" "Subscription-State: active;expires=600" 'version="0" state="full" entity="sip:202@pbx.example"' !"<dialog " "Content-Type: application/dialog-info+xml"
w sends 200 to
a sends INVITE 202 savp
b expects INVITE
w expects nothing
elapse 1s
b sends 180 totag=ringing
a expects 180
w expects NOTIFY 'version="1" state="full"' 'direction="recipient"' "<state>early</state>" 'call-id="rf' !"ringing" "remote-tag" '<identity display="User 201">sip:201@pbx.example</identity>'
w sends 200 to
elapse 1s
b sends 200 savp totag=ringing
b expects ACK
a expects 200
a sends ACK
w expects NOTIFY "<state>confirmed</state>" "sip:201@pbx.example" !"call-id" !"local-tag"
w sends 200 to
elapse 1s
a sends BYE
a expects 200
b expects BYE
b sends 200 to
w expects NOTIFY 'state="full"' "<state>terminated</state>" !"confirmed"
w sends 200 to
elapse 3s
w expects nothing
w sends SUBSCRIBE "Event: dialog" "Expires: 0"
w expects 200 "Expires: 0"
w expects NOTIFY "Subscription-State: terminated;reason=timeout" !"<dialog "
w sends 200 to
elapse 100ms
subscriptions 0
