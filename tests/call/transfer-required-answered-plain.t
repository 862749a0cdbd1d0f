# TEL-2: transferred to a phone without SRTP: the required leg stays encrypted, the plain one plain; never silent clear
include scenes/call-up.scene
user 203 off
phone c 203 tls
b sends REFER "Refer-To: <sip:203@pbx.example>"
b expects 202
b expects NOTIFY
b sends 200 to
c expects INVITE avp
c sends 200 avp
c expects ACK
b expects NOTIFY "200 OK"
b sends 200 to
b expects BYE
b sends 200 to
a expects INVITE savp
a sends 200 avp
a expects ACK
a expects BYE "cause=88"
a sends 200 to
c expects BYE
c sends 200 to
record has "RF-30"
