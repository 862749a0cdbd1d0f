# without credentials: 407 with SHA-256 first, then MD5; no record, no call (IPC-28)
user 201
user 202
phone a 201 udp mute
phone b 202 tls
a sends INVITE 202 savp
a expects 407 "algorithm=SHA-256" "algorithm=MD5" 'realm="pbx.example"'
b expects nothing
calls 0
records 0
