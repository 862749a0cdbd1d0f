# INFO by a target that is out of service goes to the next one, and so does what comes after it; when none serves: 500
include scenes/first-of-two.scene
b sends 200 savp
b expects ACK
a expects 200
a sends ACK
a sends INFO "Signal=5"
b expects INFO "Signal=5"
b sends 503 to
b2 expects INFO "Signal=5"
a expects nothing
b2 sends 200 to
a expects 200
a sends INFO "Signal=6"
b expects nothing
b2 expects INFO "Signal=6"
b2 sends 503 to
b expects INFO "Signal=6"
b sends 503 to
a expects 500
a sends BYE
a expects 200
b expects BYE
b sends 200 to
