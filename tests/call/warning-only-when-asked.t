# without explain the Warning stays away, the Reason does not
set explain 0
user 201
user 202
phone a 201 tls
phone b 202 tls
a sends INVITE 202 avp
a expects 488 "cause=88" !"Warning:"
