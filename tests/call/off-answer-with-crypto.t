# srtp off: we offer plain RTP; an answer with suites is refused, in 200 with ACK and BYE, in 183 with CANCEL, and nothing is bridged (TEL-32)
user 201 off
user 202 off
phone a 201 udp
phone b 202 udp
a sends INVITE 202 avp
b expects INVITE avp
b sends 200 savp
b expects ACK
b expects BYE 'Reason: Q.850;cause=88;text="INCOMPATIBLE_DESTINATION"'
b sends 200 to
relay unbridged
a expects 488 'Reason: Q.850;cause=88;text="INCOMPATIBLE_DESTINATION"' RF-305
record has RF-305 '"status":488'
a sends INVITE 202 avp
b expects INVITE avp
b sends 200 avp+crypto
b expects ACK
b expects BYE "cause=88"
b sends 200 to
a expects 488 "cause=88" RF-305
a sends INVITE 202 avp
b expects INVITE avp
b sends 200 savp-plain
b expects ACK
b expects BYE "cause=88"
b sends 200 to
a expects 488 "cause=88" RF-30
a sends INVITE 202 avp
b expects INVITE avp
b sends 183 avp+crypto
b expects CANCEL 'Reason: Q.850;cause=88;text="INCOMPATIBLE_DESTINATION"'
relay unbridged
a expects 488 "cause=88" RF-305
b sends 200 to
b sends 487
b expects ACK
records 4
