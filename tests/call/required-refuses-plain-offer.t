# srtp required and a plain offer: 488, cause 88, RF-301 (TEL-34, IPC-25)
user 201
user 202
phone a 201 tls
phone b 202 tls
a sends INVITE 202 avp
a expects 488 'Reason: Q.850;cause=88;text="INCOMPATIBLE_DESTINATION"' "Warning: 399 pbx.example" RF-301 user.201.srtp
b expects nothing
record has RF-301 '"status":488'
