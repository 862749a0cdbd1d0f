# audio that reaches one party alone is told after 3 s, with its cause, and when it is over (RF-401)
include scenes/call-up.scene
talk 5s A=enc B=enc
shown lacks RF-401
talk 2s A=enc
shown lacks RF-401
talk 2s A=enc
shown has '"code":"RF-401"' '"cause":"nothing-arrives-any-more"' "no audio from 202" "RF-401 no audio arrives"
shown lacks '"cause":"authentication-fails"'
talk 2s A=enc B=enc
shown lacks '"code":"RF-401","sentence"'
shown has "audio arrives again" '"to_the_last":false'
talk 5s A=enc B=forged
shown has '"cause":"authentication-fails"' "none is authentic" '"times":2'
talk 4s B=enc A=enc
talk 2s
talk 5s
shown lacks '"times":3'
a sends BYE
a expects 200
b expects BYE
b sends 200 to
record has '"verdict_min":"ENCRYPTED"' '"no_audio"' '"times":2'
record lacks '"code":"RF-401","sentence"'
