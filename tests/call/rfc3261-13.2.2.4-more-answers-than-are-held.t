# RFC 3261 13.2.2.4: twenty forks of a phone take the call while the caller owes a PRACK: sixteen are held, the first has the call, the others get ACK and BYE, and so do the rest when they repeat their 2xx
user 201
user 202
phone a 201 tls
phone b 202 tls
a sends INVITE 202 savp "Supported: 100rel"
b expects INVITE
b sends 183 savp
a expects 183 savp "Require: 100rel"
b sends 200 savp totag=f1
b sends 200 savp totag=f2
b sends 200 savp totag=f3
b sends 200 savp totag=f4
b sends 200 savp totag=f5
b sends 200 savp totag=f6
b sends 200 savp totag=f7
b sends 200 savp totag=f8
b sends 200 savp totag=f9
b sends 200 savp totag=f10
b sends 200 savp totag=f11
b sends 200 savp totag=f12
b sends 200 savp totag=f13
b sends 200 savp totag=f14
b sends 200 savp totag=f15
b sends 200 savp totag=f16
b sends 200 savp totag=f17
b sends 200 savp totag=f18
b sends 200 savp totag=f19
b sends 200 savp totag=f20
a sends PRACK rack
a expects 200
b expects ACK ";tag=f2"
b expects BYE ";tag=f2"
b sends 200 to
b expects ACK ";tag=f3"
b expects BYE ";tag=f3"
b sends 200 to
b expects ACK ";tag=f4"
b expects BYE ";tag=f4"
b sends 200 to
b expects ACK ";tag=f5"
b expects BYE ";tag=f5"
b sends 200 to
b expects ACK ";tag=f6"
b expects BYE ";tag=f6"
b sends 200 to
b expects ACK ";tag=f7"
b expects BYE ";tag=f7"
b sends 200 to
b expects ACK ";tag=f8"
b expects BYE ";tag=f8"
b sends 200 to
b expects ACK ";tag=f9"
b expects BYE ";tag=f9"
b sends 200 to
b expects ACK ";tag=f10"
b expects BYE ";tag=f10"
b sends 200 to
b expects ACK ";tag=f11"
b expects BYE ";tag=f11"
b sends 200 to
b expects ACK ";tag=f12"
b expects BYE ";tag=f12"
b sends 200 to
b expects ACK ";tag=f13"
b expects BYE ";tag=f13"
b sends 200 to
b expects ACK ";tag=f14"
b expects BYE ";tag=f14"
b sends 200 to
b expects ACK ";tag=f15"
b expects BYE ";tag=f15"
b sends 200 to
b expects ACK ";tag=f16"
b expects BYE ";tag=f16"
b sends 200 to
b expects ACK ";tag=f1"
a expects 200
a sends ACK
b sends 200 savp totag=f17
b expects ACK ";tag=f17"
b expects BYE ";tag=f17"
b sends 200 to
a sends BYE
a expects 200
b expects BYE ";tag=f1"
b sends 200 to
