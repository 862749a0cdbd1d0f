# X2: who is transferred hears and writes to nobody that it does not know of: INFO and MESSAGE wait until it has answered our re-INVITE
include scenes/transfer-asked.scene
c sends 200 savp
c expects ACK
a expects INVITE savp
a sends MESSAGE body=for-b-alone
a expects 480
c expects nothing
a sends INFO "Signal=5"
a expects 480
c expects nothing
c sends MESSAGE body=who-is-this
c expects 480
a expects nothing
a sends 200 savp
a expects ACK
a sends MESSAGE body=hello
c expects MESSAGE
c sends 200 to
a expects 200
b expects NOTIFY
b sends 200 to
b expects BYE
b sends 200 to
a sends BYE
a expects 200
c expects BYE
c sends 200 to
