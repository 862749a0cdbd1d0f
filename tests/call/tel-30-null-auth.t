# a suite that authenticates nothing meets `required` only where allow-null-auth says so, and is called weak (TEL-30)
user 201
phone a 201 tls
phone shut +4930111 tls unregistered
phone open +4930222 tls unregistered
connection shut type=ip allow=192.0.2.11 server=192.0.2.11 inbound.srtp=required outbound.srtp=required
connection open type=ip allow=192.0.2.12 server=192.0.2.12 inbound.srtp=required outbound.srtp=required allow-null-auth=on
number 100 "connection=shut open" to=201
shut sends INVITE 100 savp suite=AES_CM_128_NULL_AUTH
shut expects 488 'Reason: Q.850;cause=88;text="INCOMPATIBLE_DESTINATION"'
a expects nothing
open sends INVITE 100 savp suite=AES_CM_128_NULL_AUTH
a expects INVITE !"NULL_AUTH"
a sends 200 savp
a expects ACK
open expects 200 savp AES_CM_128_NULL_AUTH
open sends ACK
open sends BYE
open expects 200
a expects BYE
a sends 200 to
record has AES_CM_128_NULL_AUTH '"weak":true'
