# one-way audio: the network does not take what should leave (RF-401)
include scenes/call-up.scene
talk 6s A=enc B=unsent
shown has '"code":"RF-401"' '"cause":"network-refused"' "the network takes none for 201"
a sends BYE
a expects 200
b expects BYE
b sends 200 to
record has '"code":"RF-401"' '"cause":"network-refused"' '"to_the_last":true' "no audio from 202"
