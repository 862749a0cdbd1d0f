# both sides send BYE at once: both get 200 or 481, nothing is left
include scenes/call-up.scene
a sends BYE
b sends BYE
a expects 200
b expects BYE
b sends 200 to
b expects 200
records 1
