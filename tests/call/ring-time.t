# nobody answers: CANCEL, 480 and RF-515 after the ring time
set ring-time 20
include scenes/called.scene
b sends 180
a expects 180
elapse 19s
a expects nothing
elapse 1100ms
a expects 480 "RF-515" "Q.850;cause=19"
b expects CANCEL
b sends 200 to
b sends 487
record has RF-515 '"ended_by":"no answer"'
