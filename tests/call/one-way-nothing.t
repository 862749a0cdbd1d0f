# one-way audio: nothing has ever arrived (RF-401)
include scenes/call-up.scene
talk 6s A=enc 
shown has '"code":"RF-401"' '"cause":"nothing-arrived"' "nothing arrived at"
a sends BYE
a expects 200
b expects BYE
b sends 200 to
record has '"code":"RF-401"' '"cause":"nothing-arrived"' '"to_the_last":true' "no audio from 202"
