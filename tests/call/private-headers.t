# nothing private of one company's leg reaches another's, whichever message it stands in and whichever way it goes
user 201
phone one +4930111 udp unregistered
phone two +4930222 udp unregistered
connection one type=ip side=customer allow=192.0.2.10 trust-identity=on
connection two type=ip allow=192.0.2.11 server=192.0.2.11
number 300 connection=one to=two
one sends INVITE 300 avp "attr=x-room:secret" "X-Account: secret" "P-Charging-Vector: icid-value=secret" "P-Access-Network-Info: secret" "User-to-User: secret" "History-Info: <sip:secret@one.example>;index=1" "Diversion: <sip:secret@one.example>" "Call-Info: <http://one.example/secret>" "Alert-Info: <http://one.example/secret>" "Subject: secret" "Organization: secret" "User-Agent: secret" "Geolocation: <sip:secret@one.example>" "Session-ID: 5ec2e75ec2e75ec2e75ec2e75ec2e7aa;remote=00000000000000000000000000000000" "Accept-Contact: *;secret" "P-Preferred-Identity: <sip:secret@one.example>" "Authorization: Digest username=secret" "Reason: SIP;text=secret" "Warning: 399 secret \"x\"" "Referred-By: <sip:secret@one.example>" "Identity: secret" "Timestamp: 17"
two expects INVITE !"secret" !"5ec2e7" !"one.example" !"192.0.2.10" !"x-room" !"Timestamp"
two sends 183 avp "attr=x-room:hidden" "X-Account: hidden" "Server: hidden" "Alert-Info: <http://two.example/hidden>" "Call-Info: <http://two.example/hidden>" "P-Asserted-Identity: <sip:hidden@two.example>" "Warning: 399 hidden \"x\"" "Reason: SIP;text=hidden" "Subject: hidden"
one expects 183 !"hidden" !"two.example" !"192.0.2.11" !"x-room"
two sends 200 avp "attr=x-room:hidden" "X-Account: hidden" "Server: hidden" "P-Asserted-Identity: <sip:hidden@two.example>" "Organization: hidden" "Session-ID: 5ec2e75ec2e75ec2e75ec2e75ec2e7bb"
two expects ACK
one expects 200 !"hidden" !"two.example" !"192.0.2.11" !"5ec2e7" !"x-room"
one sends ACK
two sends reINVITE avp dir=sendonly "attr=x-room:hidden" "X-Account: hidden" "User-Agent: hidden" "P-Asserted-Identity: <sip:hidden@two.example>"
one expects INVITE dir=sendonly !"hidden" !"two.example" !"192.0.2.11"
one sends 200 avp dir=recvonly "X-Account: secret" "Server: secret" "attr=x-room:secret"
one expects ACK
two expects 200 dir=recvonly !"secret" !"192.0.2.10"
two sends ACK
one sends INFO "Signal=5" "X-Account: secret" "User-Agent: secret"
two expects INFO "Signal=5" !"secret" !"192.0.2.10"
two sends 200 to "X-Account: hidden" "Server: hidden"
one expects 200 !"hidden"
one sends BYE "Reason: SIP;text=secret" "X-Account: secret" "User-Agent: secret"
one expects 200
two expects BYE !"secret" !"192.0.2.10"
two sends 200 to "X-Account: hidden"
one sends INVITE 300 avp
two expects INVITE
two sends 488 "Warning: 399 two.example \"hidden\"" "Reason: Q.850;cause=88;text=hidden" "X-Account: hidden" "Error-Info: <sip:hidden@two.example>"
two expects ACK
one expects 488 !"hidden" !"two.example"
