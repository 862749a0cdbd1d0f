# RFC 3311 5.2: without an offer it is a sign of life and a new target
include scenes/call-up.scene
b sends UPDATE "Contact: <sip:202@192.0.2.77:5099;transport=tls>" 
b expects 200 no-sdp "Allow: "
a expects nothing
a sends BYE
a expects 200
b expects BYE
b sends 200 to
