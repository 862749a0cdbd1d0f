# hostile and mistaken REFERs change nothing
include scenes/call-up.scene
user 203
phone c 203 tls
b sends REFER
b expects 400
b sends REFER "Refer-To: <sip:203@pbx.example" 
b expects 400
b sends REFER "Refer-To: <http://203@pbx.example>"
b expects 416
b sends REFER "Refer-To: <sip:203@pbx.example;method=BYE>"
b expects 400
b sends REFER "Refer-To: <sip:203@elsewhere.example>"
b expects 404
b sends REFER "Refer-To: <sip:pbx.example>"
b expects 404
b sends REFER "Refer-To: <sip:{x*60000}@pbx.example>"
b expects 404
b sends REFER "Refer-To: <sip:203@pbx.example?Replaces=x>"
b expects 400
b sends REFER "Refer-To: <sip:203@pbx.example?Replaces=x%3Bto-tag%3Dy%3Bfrom-tag%3Dz>"
b expects 481
b sends REFER "Refer-To: <sip:203@pbx.example?Replaces={%b}>"
b expects 481
b sends REFER "Refer-To: <sip:20%003@pbx.example>"
b expects 404
c expects nothing
a expects nothing
b sends REFER "Refer-To: <sip:203@pbx.example?Route=%3Csip:evil.example%3E&Subject=x%0D%0AEvil:%20yes&From=sip:root%40pbx.example>"
b expects 202
b expects NOTIFY
b sends 200 to
c expects INVITE !"evil" !"Evil" !"root" !"Subject"
b sends REFER "Refer-To: <sip:201@pbx.example>"
b expects 491
c sends 603
c expects ACK
b expects NOTIFY "603"
b sends 200 to
set transfer 0
b sends REFER "Refer-To: <sip:203@pbx.example>"
b expects 403
a sends BYE
a expects 200
b expects BYE
b sends 200 to
