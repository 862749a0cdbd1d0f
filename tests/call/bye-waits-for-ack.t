# the callee hangs up before the caller's ACK came: BYE to the caller follows the ACK (RFC 3261 15)
include scenes/called.scene
b sends 200 savp
b expects ACK
b sends BYE
b expects 200
a expects 200
a expects nothing
a sends ACK
a expects BYE
a sends 200 to
record has '"ended_by":"callee"'
