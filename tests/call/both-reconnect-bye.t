# both phones lose their connections during a call; a BYE on a new one ends it, the other is found by its binding
include scenes/call-up.scene
a leaves
b leaves
calls 1
a returns
b returns
b sends BYE
b expects 200
a expects BYE
a sends 200 to
record has '"ended_by":"callee"' "connection lost"
