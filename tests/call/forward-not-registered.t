# a user without a phone: forward-no-answer, at once; over a connection with the rights of the user who forwards
user 201
user 202 forward-no-answer=+4930123456
phone a 201 tls
phone carrier + udp unregistered
connection carrier type=ip server=192.0.2.11 allow=192.0.2.11 caller-id=+442071838750 forwarded-by=diversion
number +442071838751 connection=carrier to=202
route out match=+* use=carrier from=202
a sends INVITE 202 savp
a expects 181
carrier expects INVITE "sip:+4930123456@192.0.2.11" "Diversion: <sip:+442071838751@pbx.example>;reason=unavailable;counter=1" !"History-Info" !"202@" !"User 201" "From: <sip:+442071838750@"
carrier sends 486
carrier expects ACK
a expects 486
record has '"reason":"not reachable"' '"to":"+4930123456"'
# the caller himself may not use that route
a sends INVITE +4930123456 savp
a expects 404 "RF-505"
carrier expects nothing
