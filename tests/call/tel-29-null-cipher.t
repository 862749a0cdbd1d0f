# TEL-29: a suite without a cipher, where the list has it and allow-unencrypted-srtp is on: taken last, never offered, never called encrypted
user 201
phone a 201 tls
phone shut +4930111 tls unregistered
phone open +4930222 tls unregistered
connection shut type=ip allow=192.0.2.11 server=192.0.2.11 inbound.srtp=required outbound.srtp=required "crypto-suites=NULL_HMAC_SHA1_80 AES_CM_128_HMAC_SHA1_80"
connection open type=ip allow=192.0.2.12 server=192.0.2.12 inbound.srtp=required outbound.srtp=required allow-unencrypted-srtp=on "crypto-suites=NULL_HMAC_SHA1_80 AES_CM_128_HMAC_SHA1_80"
number 100 "connection=shut open" to=201
route out match=+* use=open
shut sends INVITE 100 savp suite=NULL_HMAC_SHA1_80
shut expects 488 RF-303 'Reason: Q.850;cause=88;text="INCOMPATIBLE_DESTINATION"'
a expects nothing

open sends INVITE 100 savp suite=NULL_HMAC_SHA1_80
a expects INVITE savp !NULL_HMAC
a sends 200 savp
a expects ACK
open expects 200 savp "a=crypto:1 NULL_HMAC_SHA1_80 inline:"
open sends ACK
relay leg A unencrypted required
relay leg B encrypted required all-encrypted
packets A in 10 bare
packets A out 10 clear
packets B in 10 enc
packets B out 10 enc
elapse 6s
shown has '"verdict":"PARTLY"' '"protection":"SRTP, not encrypted"' '"suite":"NULL_HMAC_SHA1_80"' RF-403
# our re-INVITE repeats the suite that was agreed
a sends reINVITE savp dir=sendonly ver=2
open expects INVITE savp same-crypto "NULL_HMAC_SHA1_80" dir=sendonly
open sends 200 savp dir=recvonly ver=2
open expects ACK
a expects 200 savp
a sends ACK
relay leg A unencrypted required
open sends BYE
open expects 200
a expects BYE
a sends 200 to
record has '"weak":true' '"verdict_min":"PARTLY"' '"code":"RF-403"' '"protection":"SRTP, not encrypted"'
record lacks '"verdict":"ENCRYPTED"'

# we offer what encrypts alone
a sends INVITE +4930222 savp
open expects INVITE savp "a=crypto:1 AES_CM_128_HMAC_SHA1_80" !NULL_HMAC
open sends 486
open expects ACK
a expects 486
