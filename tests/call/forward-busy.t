# forward-busy: 486 and 603 of the only phone lead on; 488 is the caller's business
user 201
user 202 forward-busy=203
user 203
phone a 201 tls
phone b 202 tls
phone c 203 tls
a sends INVITE 202 savp
b expects INVITE !"Diversion"
b sends 180
a expects 180
b sends 603
b expects ACK
a expects 181
c expects INVITE "reason=user-busy" "cause=486"
c sends 200 savp
c expects ACK
a expects 200
a sends ACK
a sends BYE
a expects 200
c expects BYE
c sends 200 to
record has '"reason":"busy"'
c forgets
a sends INVITE 202 savp
b expects INVITE
b sends 488
b expects ACK
a expects 488
c expects nothing
