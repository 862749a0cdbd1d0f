# early media came from a target that then says 503: the next one's answer holds, with its own keys
include scenes/first-of-two.scene
b sends 183 savp port=41000
a expects 183 savp
relay leg B port=41000
b sends 503
b expects ACK
b2 expects INVITE
b2 sends 200 savp port=42000
b2 expects ACK
a expects 200 savp
a sends ACK
relay leg B port=42000 encrypted
a sends BYE
a expects 200
b2 expects BYE
b2 sends 200 to
