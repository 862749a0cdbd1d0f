# each new provisional status reaches the caller once
include scenes/called.scene
b sends 180
b sends 180
b sends 181
a expects 180
a expects 181
a expects nothing
b sends 486
a expects 486
