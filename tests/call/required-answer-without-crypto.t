# 200 without crypto where it is required: ACK, BYE with cause 88, the caller gets 488 (TEL-31)
include scenes/called.scene
b sends 200 avp
relay unbridged
b expects ACK
b expects BYE 'Reason: Q.850;cause=88;text="INCOMPATIBLE_DESTINATION"'
b sends 200 to
a expects 488 "cause=88" RF-30
record has RF-30 '"status":488'
