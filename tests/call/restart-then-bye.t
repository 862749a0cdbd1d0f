# signal is killed while a call is up: a BYE on a new connection ends it with a complete record
include scenes/call-up.scene
packets A in 10 enc
packets A out 10 enc
packets B in 10 enc
packets B out 10 enc
elapse 5s
restart
calls 1
a returns
b returns
b sends BYE
b expects 200
a expects BYE "Call-ID: c"
a sends 200 to
record has '"verdict_min":"ENCRYPTED"' '"ended_by":"callee"' '"restored":true' '"sign_in":"SHA-256"' '"authentic":10' TLS_AES_256_GCM_SHA384 '"seconds":5'
