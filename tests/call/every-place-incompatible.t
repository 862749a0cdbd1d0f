# several places, none compatible: 503 with cause 88; a single one's 488 stays 488 (TEL-35)
user 201
user 202
phone a 201 tls
phone b 202 tls
phone c 202 tls
a sends INVITE 202 savp
b sends 488
c sends 488
a expects 503 'Reason: Q.850;cause=88;text="INCOMPATIBLE_DESTINATION"'
