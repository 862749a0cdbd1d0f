# RFC 5057: 481 to a refresh by UPDATE: the dialog is gone, and so is the call
user 201
user 202
phone a 201 tls
phone b 202 tls
set session-expires 200
a sends INVITE 202 savp "Supported: timer"
b expects INVITE savp
b sends 200 savp "Allow: INVITE, ACK, BYE, UPDATE" "Supported: timer" "Session-Expires: 200;refresher=uac"
b expects ACK
a expects 200 savp
a sends ACK
elapse 101s
b expects UPDATE
b sends 481 to
a expects BYE
a sends 200 to
b expects BYE
b sends 481 to
