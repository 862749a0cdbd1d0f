# the connection of the phone that owes the answer to our BYE closes: the call ends there, and the ladder says so
user 201
user 202
phone a 201 tls
phone b 202 tls
a sends INVITE 202 savp
b expects INVITE savp
b sends 200 savp
b expects ACK
a expects 200 savp
a sends ACK
a sends BYE
a expects 200
b expects BYE
records 0
b leaves
records 1
record has "no answer: its connection is gone" '"ended_by":"caller"'
calls 0
