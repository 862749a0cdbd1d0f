# call hangup: BYE to both, or 480 and CANCEL while it rings
include scenes/call-up.scene
hangup
a expects BYE
a sends 200 to
b expects BYE
b sends 200 to
a sends INVITE 202 savp
b expects INVITE
b sends 180
a expects 180
hangup
a expects 480
b expects CANCEL
b sends 200 to
b sends 487
