# RFC 3515, 5589 6.1: the callee transfers the caller; a new call with keys of its own, the old one ends after NOTIFY 200
include scenes/call-up.scene
user 203
phone c 203 tls
b sends REFER "Refer-To: <sip:203@pbx.example>"
b expects 202 "Contact: <sip:"
b expects NOTIFY "Event: refer" "Subscription-State: active;expires=180" "Content-Type: message/sipfrag" "SIP/2.0 100 Trying"
b sends 200 to
c expects INVITE savp 'From: "User 201" <sip:201@pbx.example>' "Referred-By: <sip:202@pbx.example>" "Max-Forwards: 68"
c sends 180
b expects NOTIFY "SIP/2.0 180 Ringing"
b sends 200 to
a expects nothing
c sends 200 savp key=3
c expects ACK
b expects NOTIFY "Subscription-State: terminated;reason=noresource" "SIP/2.0 200 OK"
b sends 200 to
b expects BYE
b sends 200 to
record has '"ended_by":"transfer"' '"transferred_to":"' '"method":"REFER"' '"method":"NOTIFY"' '"verdict"'
a expects INVITE savp dir=sendrecv
a sends 200 savp key=2 ver=2
a expects ACK
relay leg A encrypted required sends listens
relay leg B encrypted required sends listens
shown has '"from":"201"' '"to":"203"' '"transfer":{"kind":"blind","by":"202","calls":["'
a sends BYE
a expects 200
c expects BYE
c sends 200 to
records 2
