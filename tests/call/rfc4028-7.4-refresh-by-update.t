# RFC 4028 7.4: we refresh by UPDATE whoever takes it, by re-INVITE whoever does not after all
user 201
user 202
phone a 201 tls
phone b 202 tls
set session-expires 200
a sends INVITE 202 savp "Supported: timer"
b expects INVITE savp "Allow: " "UPDATE"
b sends 200 savp "Allow: INVITE, ACK, BYE, UPDATE" "Supported: timer" "Session-Expires: 200;refresher=uac"
b expects ACK
a expects 200 savp
a sends ACK
elapse 101s
b expects UPDATE no-sdp "Session-Expires: 200;refresher=uac" "Contact: <sip:"
b sends 200 to "Session-Expires: 200;refresher=uac"
a sends UPDATE "Supported: timer" "Session-Expires: 200;refresher=uac"
a expects 200 "Session-Expires: 200;refresher=uac"
elapse 101s
b expects UPDATE
b sends 501 to
b expects INVITE savp
b sends 200 savp "Session-Expires: 200;refresher=uac"
b expects ACK
a forgets
a sends BYE
a expects 200
b expects BYE
b sends 200 to
