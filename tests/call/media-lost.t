# the relay lost the session: both sides get BYE
include scenes/call-up.scene
relay gone
a expects BYE
a sends 200 to
b expects BYE
b sends 200 to
record has '"ended_by":"media relay"'
