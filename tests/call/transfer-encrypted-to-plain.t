# a transfer from an encrypted to a plain leg decides each leg anew
include scenes/transfer-to-plain.scene
a sends 200 savp key=2 ver=2
a expects ACK
relay leg A encrypted required sends listens
relay leg B clear sends listens
a sends BYE
a expects 200
c expects BYE
c sends 200 to
