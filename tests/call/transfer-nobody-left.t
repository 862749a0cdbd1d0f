# who asked has left and nobody answers: who was transferred gets BYE
include scenes/transfer-asked.scene
b sends BYE
b expects 200
c sends 486
c expects ACK
a expects BYE
a sends 200 to
record has '"status":486' '"kind":"blind"'
