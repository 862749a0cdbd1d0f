# the only phone's 488 is passed on, with cause 88 although that phone said none (TEL-35)
user 201
user 202
phone a 201 tls
phone b 202 tls
a sends INVITE 202 savp
b sends 488
a expects 488 'Reason: Q.850;cause=88;text="INCOMPATIBLE_DESTINATION"'
