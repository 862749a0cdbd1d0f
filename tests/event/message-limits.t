# too long: 513; too long for a datagram: by TCP or not at all; too many: 503; From is who signed in
user 201
user 202
user 203
phone a 201 tls
phone b 202 tls
phone u 203 udp
phone t 203 tcp unregistered
set message-max 2000
set udp-max 1300
set messages-per-minute 5
a requests MESSAGE 202 fill=2001
a expects 513 "RF-531" "sip.message-max"
b expects nothing
a requests MESSAGE 202 fill=2000
b expects MESSAGE "Content-Length: 2000"
b sends 200 to
a expects 200
a requests MESSAGE 203 fill=1500
u expects nothing
a expects 513 "RF-531" "by UDP alone"
u leads large t
a requests MESSAGE 203 fill=1500
u expects nothing
t expects MESSAGE
t sends 200 to
a expects 200
a pretends 202
a requests MESSAGE 203 "body=I am 202"
a expects 403 "RF-503"
a pretends 201
a requests MESSAGE 202 "body=4"
b expects MESSAGE
b sends 200 to
a expects 200
a requests MESSAGE 202 "body=5"
b expects MESSAGE
b sends 200 to
a expects 200
a requests MESSAGE 202 "body=6"
a expects 503 "RF-512"
elapse 13s
a requests MESSAGE 202 "body=7"
b expects MESSAGE
b sends 202 to
a expects 202
