# no media from one side for the time allowed: both get BYE, RF-404
include scenes/call-up.scene
relay timeout B
a expects BYE
a sends 200 to
b expects BYE
b sends 200 to
record has RF-404 '"ended_by":"media timeout"'
