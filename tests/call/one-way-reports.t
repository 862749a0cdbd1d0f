# one-way audio: the phone's reports arrive, so it is mute (RF-401)
user 201
user 202
phone a 201 tls
phone b 202 tls
a sends INVITE 202 savp
b expects INVITE savp
b sends 200 savp
b expects ACK
a expects 200 savp
a sends ACK
talk 6s A=enc B=reports
shown has '"code":"RF-401"' '"cause":"reports-but-no-audio"' "it sends none"
a sends BYE
a expects 200
b expects BYE
b sends 200 to
record has '"code":"RF-401"' '"cause":"reports-but-no-audio"' '"to_the_last":true' "no audio from 202"
