# MESSAGE within a call: sip.message-max, what fits a datagram, how many a minute, how many at once; as outside of calls
user 201
user 202
phone a 201 tls
phone u 202 udp
phone t 202 tcp unregistered
set message-max 2000
set messages-per-minute 14
a sends INVITE 202 savp
u expects INVITE
u sends 200 savp
u expects ACK
a expects 200
a sends ACK
set udp-max 1300
a sends MESSAGE fill=2001
a expects 513 "RF-531" "sip.message-max"
u expects nothing
a sends MESSAGE fill=1500
u expects nothing
a expects 513 "RF-531" "by UDP alone"
a sends MESSAGE fill=200
u expects MESSAGE "Content-Length: 200"
u sends 200 to
a expects 200
# and by TCP where the phone has that
u leads large t
a sends MESSAGE fill=1500
u expects nothing
t expects MESSAGE "Content-Length: 1500"
t sends 200 to
a expects 200
# the other way
u sends MESSAGE fill=2001
u expects 513 "RF-531"
u sends MESSAGE fill=2000
a expects MESSAGE "Content-Length: 2000"
a sends 200 to
u expects 200
# eight under way, the ninth waits
a sends MESSAGE body=1
u expects MESSAGE
a sends MESSAGE body=2
u expects MESSAGE
a sends MESSAGE body=3
u expects MESSAGE
a sends MESSAGE body=4
u expects MESSAGE
a sends MESSAGE body=5
u expects MESSAGE
a sends MESSAGE body=6
u expects MESSAGE
a sends MESSAGE body=7
u expects MESSAGE
a sends MESSAGE body=8
u expects MESSAGE
a sends MESSAGE body=9
a expects 503 "Retry-After"
u expects nothing
# fourteen in the minute are gone: RF-512
a sends MESSAGE body=10
a expects 503
a sends MESSAGE body=11
a expects 503
a sends MESSAGE body=12
a expects 503 "RF-512"
u expects nothing
a sends BYE
a expects 200
u expects BYE
u sends 200 to
