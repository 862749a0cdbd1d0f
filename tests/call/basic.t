# a call between two TLS phones: SRTP both sides, BYE, a record (TEL-21, TEL-22, IPC-25, IPC-28)
user 201
user 202
phone a 201 tls
phone b 202 tls
a sends INVITE 202 savp
b expects INVITE savp 'From: "User 201" <sip:201@pbx.example>;tag=' "Supported: timer" "Session-Expires: 1800" "Max-Forwards: 69"
b sends 180
a expects 180 no-sdp
b sends 200 savp
b expects ACK
a expects 200 savp "Contact: <sip:202@192.0.2.1:5060;transport=tls>"
a sends ACK
relay leg A encrypted required sends listens keys=1
relay leg B encrypted required sends listens keys=1
packets A in 100 enc
packets A out 99 enc
packets B in 99 enc
packets B out 100 enc
elapse 5s
shown has '"verdict":"ENCRYPTED"' '"state":"up"'
a sends BYE
a expects 200
b expects BYE
b sends 200 to
record has '"verdict_min":"ENCRYPTED"' '"ended_by":"caller"' AES_CM_128_HMAC_SHA1_80 '"authentic":100' '"sign_in":"SHA-256"' '"seconds":5' '"keying":"SDES"' TLS_AES_256_GCM_SHA384 '"note":"RTP/SAVP AES_CM_128_HMAC_SHA1_80"'
record lacks inline
records 1
left nothing
