# the caller's connection breaks while it rings: the phone stops ringing
include scenes/called.scene
b sends 180
a leaves
b expects CANCEL
b sends 200 to
b sends 487
b expects ACK
record has "caller's connection"
