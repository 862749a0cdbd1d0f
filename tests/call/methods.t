# what we do not do yet is 405 with Allow, what nobody knows 501, strangers' BYE 481 (IPC-28: OPTIONS unchallenged)
include scenes/call-up.scene
a sends PUBLISH
a expects 405 "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, REGISTER, REFER, NOTIFY, UPDATE, PRACK"
a sends NOTIFY "Event: presence"
a expects 481
a sends SUBSCRIBE "Event: presence"
a expects 489 "Allow-Events: refer"
a sends SUBSCRIBE "Event: refer"
a expects 481
a sends FROBNICATE
a expects 501 "Allow:"
a sends OPTIONS
a expects 200 "Accept: application/sdp" "Supported: timer"
a sends BYE
a expects 200
b expects BYE
b sends 200 to
