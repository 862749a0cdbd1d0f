# the other phone never comes back: the call ends without it
include scenes/call-up.scene
b leaves
a sends BYE
a expects 200
calls 0
