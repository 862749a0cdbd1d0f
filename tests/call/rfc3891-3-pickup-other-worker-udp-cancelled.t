# RFC 3891 3, RFC 3261 9.2: an INVITE by UDP that waits at another worker: its repeats and its CANCEL find it there, and a repeat after it is absorbed
workers 2
user 201 off
user 202 off
phone a 201 tls worker=0
phone b 202 tls
phone c 202 udp worker=1 unregistered
a sends INVITE 202 avp "Supported: 100rel"
b expects INVITE
b sends 183 avp
a expects 183
c sends INVITE 202 avp "Replaces: {b}"
c expects nothing
elapse 600ms
c expects 100
c repeats
c expects 100
c sends CANCEL
c expects 200
c expects 487
c repeats
c expects nothing
elapse 1s
a forgets
a sends PRACK rack
a expects 200
b sends 200 avp
b expects ACK
a expects 200
a sends ACK
a sends BYE
a expects 200
b expects BYE
b sends 200 to
