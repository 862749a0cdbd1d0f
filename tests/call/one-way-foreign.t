# one-way audio: packets from elsewhere (RF-401)
include scenes/call-up.scene
talk 6s A=enc B=foreign
shown has '"code":"RF-401"' '"cause":"from-another-address"' "an address that is not the peer's"
a sends BYE
a expects 200
b expects BYE
b sends 200 to
record has '"code":"RF-401"' '"cause":"from-another-address"' '"to_the_last":true' "no audio from 202"
