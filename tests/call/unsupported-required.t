# Require and Proxy-Require that we lack: 420 with Unsupported; timer is fine (RFC 3261 8.2.2.3)
user 201
user 202
phone a 201 tls
phone b 202 tls
a sends INVITE 202 savp "Require: precondition, timer"
a expects 420 "Unsupported: precondition" !"timer"
a sends INVITE 202 savp "Proxy-Require: privacy"
a expects 420 "Unsupported: privacy"
a sends INVITE 202 savp "Require: timer" "Session-Expires: 1800"
b sends 486
a expects 486
