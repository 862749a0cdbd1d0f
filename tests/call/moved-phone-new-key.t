# a phone that moved gets a new key, the other side hears nothing (TEL-40, RFC 4568 7.1.4)
include scenes/call-up.scene
a sends reINVITE savp port=45000 key=50 ver=2
b expects nothing
a expects 200 savp
relay leg A encrypted port=45000 keys=2
a sends ACK
relay leg A encrypted port=45000 keys=1
a sends BYE
a expects 200
b expects BYE
b sends 200 to
