# INFO passes through with its body, its answer comes back
include scenes/call-up.scene
a sends INFO "Signal=5"
b expects INFO "Content-Type: application/dtmf-relay" "Signal=5"
b sends 200 to
a expects 200
b sends INFO "Signal=6"
a expects INFO "Signal=6"
a sends 415 to
b expects 415
a sends BYE
a expects 200
b expects BYE
b sends 200 to
