# the phone's connection breaks while it rings: 480, RF-504
include scenes/called.scene
b sends 180
a expects 180
b leaves
a expects 480 RF-504
