# the phone shall refresh and does not: BYE at SE - min(32, SE/3) (RFC 4028 10)
set session-expires 600
user 201
user 202
phone a 201 tls
phone b 202 tls
a sends INVITE 202 savp "Supported: timer" "Session-Expires: 600;refresher=uac"
b expects INVITE
b sends 200 savp "Supported: timer" "Require: timer" "Session-Expires: 600;refresher=uas"
b expects ACK
a expects 200 "Session-Expires: 600;refresher=uac" "Require: timer"
a sends ACK
elapse 567s
a expects nothing
elapse 2s
a expects BYE
a sends 200 to
b expects BYE
b sends 200 to
record has '"ended_by":"session timer"'
