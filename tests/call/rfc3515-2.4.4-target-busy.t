# RFC 3515 2.4.4: the new phone is busy; NOTIFY says so, and the call goes on as it was
include scenes/transfer-asked.scene
c sends 486
c expects ACK
b expects NOTIFY "terminated" "SIP/2.0 486 Busy Here"
b sends 200 to
relay leg A encrypted required sends listens
b sends REFER "Refer-To: <sip:209@pbx.example>"
b expects 202
b expects NOTIFY "Event: refer;id=102" "active" "100 Trying"
b sends 200 to
b expects NOTIFY "Event: refer;id=102" "terminated" "SIP/2.0 404 Not Found"
b sends 200 to
a expects nothing
a sends BYE
a expects 200
b expects BYE
b sends 200 to
records 3
