# Session-Expires below our Min-SE: 422 with Min-SE (RFC 4028 6)
set min-se 300
user 201
user 202
phone a 201 tls
phone b 202 tls
a sends INVITE 202 savp "Supported: timer" "Session-Expires: 120"
a expects 422 "Min-SE: 300"
