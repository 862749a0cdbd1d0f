# a call had ended, and the process died before its record was made: the relay knows no session of it, and is asked for none when it speaks again
include scenes/call-up.scene
a sends BYE
a expects 200
b expects BYE
relay silent
restart
calls 1
relay away
hangup
relay back
calls 0
elapse 1s
