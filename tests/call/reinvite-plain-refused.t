# a re-INVITE without encryption is refused, the call stays encrypted (TEL-34)
include scenes/call-up.scene
a sends reINVITE avp ver=2
a expects 488 "cause=88" RF-30
b expects nothing
relay leg A encrypted required
a sends BYE
a expects 200
b expects BYE
b sends 200 to
