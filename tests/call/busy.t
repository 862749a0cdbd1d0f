# 486 from the only phone reaches the caller
include scenes/called.scene
b sends 486
b expects ACK
a expects 486
a expects nothing
record has '"status":486' '"ended_by":"callee"'
