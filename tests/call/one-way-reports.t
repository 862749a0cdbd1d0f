# one-way audio: the phone's reports arrive, so it is mute (RF-401)
include scenes/call-up.scene
talk 6s A=enc B=reports
shown has '"code":"RF-401"' '"cause":"reports-but-no-audio"' "it sends none"
a sends BYE
a expects 200
b expects BYE
b sends 200 to
record has '"code":"RF-401"' '"cause":"reports-but-no-audio"' '"to_the_last":true' "no audio from 202"
