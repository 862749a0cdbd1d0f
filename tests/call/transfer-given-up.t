# who was to be transferred hangs up while the new phone rings
include scenes/transfer-asked.scene
c sends 180
b expects NOTIFY
b sends 200 to
a sends BYE
a expects 200
b expects NOTIFY "terminated"
b sends 200 to
b expects BYE
b sends 200 to
c expects CANCEL
c sends 200 to
c sends 487
c expects ACK
