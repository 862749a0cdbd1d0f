# BYE from the callee ends the call on both sides
include scenes/call-up.scene
b sends BYE
b expects 200
a expects BYE
a sends 200 to
record has '"ended_by":"callee"'
