# a request with an old CSeq in a dialog: 500 (RFC 3261 12.2.2)
include scenes/call-up.scene
a sends OPTIONS cseq=1
a expects 500
a sends BYE
a expects 200
b expects BYE
b sends 200 to
