# SRTP that is authenticated and not encrypted: where allow-unencrypted-srtp says so alone, after all that encrypts, and never
# called encrypted (TEL-29, RFC 4568 6.3.2)
user 201
phone a 201 tls
phone shut +4930111 tls unregistered
phone open +4930222 tls unregistered
connection shut type=ip allow=192.0.2.11 server=192.0.2.11 inbound.srtp=required outbound.srtp=required
connection open type=ip allow=192.0.2.12 server=192.0.2.12 inbound.srtp=required outbound.srtp=required allow-unencrypted-srtp=on
number 100 "connection=shut open" to=201
shut sends INVITE 100 savp params=UNENCRYPTED_SRTP
shut expects 488 RF-306 'Reason: Q.850;cause=88;text="INCOMPATIBLE_DESTINATION"'
a expects nothing
shut sends INVITE 100 savp params=UNENCRYPTED_SRTCP
shut expects 488
a expects nothing

# a line that encrypts is taken, whatever else is offered
open sends INVITE 100 savp twice params=UNENCRYPTED_SRTP
a expects INVITE !UNENCRYPTED
a sends 200 savp
a expects ACK
open expects 200 savp "a=crypto:2 " !UNENCRYPTED
open sends ACK
relay leg A encrypted required
open sends BYE
open expects 200
a expects BYE
a sends 200 to

# the only line; the phone at the other side hears nothing of it
open sends INVITE 100 savp "params=UNENCRYPTED_SRTP UNENCRYPTED_SRTCP"
a expects INVITE savp !UNENCRYPTED
a sends 200 savp
a expects ACK
open expects 200 savp " UNENCRYPTED_SRTP UNENCRYPTED_SRTCP"
open sends ACK
relay leg A encrypted required unencrypted
relay leg B encrypted required all-encrypted
packets A in 10 bare
packets A out 10 clear
packets B in 10 enc
packets B out 10 enc
elapse 6s
shown has '"verdict":"PARTLY"' '"protection":"SRTP, not encrypted"' '"session_parameters":["UNENCRYPTED_SRTP","UNENCRYPTED_SRTCP"]'
shown has '"authentic":10,"clear":10,"unencrypted":10' '"encrypted":0,"clear":10' RF-403
open sends BYE
open expects 200
a expects BYE
a sends 200 to
record has '"weak":true' '"verdict_min":"PARTLY"' '"code":"RF-403"' '"protection":"SRTP, not encrypted"'
record lacks '"verdict":"ENCRYPTED"'

# unauthenticated SRTP never
open sends INVITE 100 savp params=UNAUTHENTICATED_SRTP
open expects 488
a expects nothing
