# RFC 3261 9.2, RFC 3891 3: an INVITE that still waits in the other worker's mailbox, and its CANCEL, which comes in there first: the CANCEL finds it
workers 2
user 201 off
user 202 off
phone a 201 tls worker=0
phone b 202 tls
phone c 202 tls worker=1 unregistered
a sends INVITE 202 avp "Supported: 100rel"
b expects INVITE
b sends 183 avp
a expects 183
letters held
c sends INVITE 202 avp "Replaces: {b}"
letters 2
c sends CANCEL
c expects nothing
letters come
c expects 200
c expects 487
c sends ACK
calls 1
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
