# who calls from outside reaches another number outside because the called user forwarded to it; back by the same carrier
user 202 forward-always=+4930123456
phone carrier +4989555 udp unregistered
connection carrier type=ip side=customer server=192.0.2.10 allow=192.0.2.10 forwarded-by=history-info
number +442071838751 connection=carrier to=202
route out match=+* use=carrier
carrier sends INVITE +442071838751 avp
carrier expects 181
carrier expects INVITE "sip:+4930123456@192.0.2.10" "History-Info: <sip:+442071838751@pbx.example>;index=1, <sip:+4930123456@pbx.example;cause=302>;index=1.1;mp=1" !"Diversion"
carrier sends 486
carrier expects ACK
carrier expects 486
# what was forwarded too often before it came to us is a circle (F1)
carrier sends INVITE +442071838751 avp "Diversion: <sip:1@x>;reason=user-busy" "Diversion: <sip:2@x>" "Diversion: <sip:3@x>" "Diversion: <sip:4@x>" "Diversion: <sip:5@x>"
carrier expects 482 "RF-518"
