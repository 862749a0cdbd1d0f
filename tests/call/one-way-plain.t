# one-way audio: clear packets where SRTP is required (RF-401)
include scenes/call-up.scene
talk 6s A=enc B=plain
shown has '"code":"RF-401"' '"cause":"clear-refused"' "this leg needs SRTP"
a sends BYE
a expects 200
b expects BYE
b sends 200 to
record has '"code":"RF-401"' '"cause":"clear-refused"' '"to_the_last":true' "no audio from 202"
