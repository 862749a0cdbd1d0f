# strict: keys over a clear transport are refused 488, cause 88 (TEL-12)
user 201 strict
user 202
phone a 201 udp
phone b 202 tls
a sends INVITE 202 savp
a expects 488 "cause=88" RF-309
