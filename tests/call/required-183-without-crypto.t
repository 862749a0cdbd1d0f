# 183 without crypto: CANCEL with cause 88, the caller gets 488 (TEL-31)
include scenes/called.scene
b sends 183 avp
b expects CANCEL "cause=88"
relay unbridged
a expects 488 "cause=88"
b sends 200 to
b sends 487
b expects ACK
