# an UPDATE in clear to a leg that requires SRTP is refused and changes nothing
include scenes/call-up.scene
a sends UPDATE avp ver=2
a expects 488 "RF-301"
b expects nothing
relay leg A encrypted required sends listens
a sends BYE
a expects 200
b expects BYE
b sends 200 to
