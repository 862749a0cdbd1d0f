# an INFO under way when the call ends is answered 481
include scenes/call-up.scene
a sends INFO "Signal=5"
b expects INFO
b sends BYE
b expects 200
a expects 481
a expects BYE
a sends 200 to
b sends 200 to
