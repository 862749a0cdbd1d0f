# one-way audio: we may not send on what arrives (RF-401)
include scenes/call-up.scene
talk 6s A=enc B=held-back
shown has '"code":"RF-401"' '"cause":"held-back-by-us"' "none may be sent on to 201"
a sends BYE
a expects 200
b expects BYE
b sends 200 to
record has '"code":"RF-401"' '"cause":"held-back-by-us"' '"to_the_last":true' "no audio from 202"
