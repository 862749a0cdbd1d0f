# answers with a tag that was not offered, two lines, another suite, a short key (TEL-38)
include scenes/called.scene
b sends 200 savp tag=99
relay unbridged
b expects ACK
b expects BYE "cause=88"
b sends 200 to
a expects 488 RF-306
a sends INVITE 202 savp
b expects INVITE
b sends 200 savp twice
relay unbridged
b expects ACK
b expects BYE "cause=88"
b sends 200 to
a expects 488 RF-306
a sends INVITE 202 savp
b expects INVITE
b sends 200 savp suite=AES_256_CM_HMAC_SHA1_80 tag=1
relay unbridged
b expects ACK
b expects BYE "cause=88"
b sends 200 to
a expects 488 RF-306
a sends INVITE 202 savp
b expects INVITE
b sends 200 savp badkey
relay unbridged
b expects ACK
b expects BYE "cause=88"
b sends 200 to
a expects 488 RF-306
records 4
