# MESSAGE within a call over a connection: only where it has `messages on`, from either side
user 201
phone a 201 tls
phone quiet + udp unregistered
phone open + udp unregistered
connection quiet type=ip side=customer allow=192.0.2.11 server=192.0.2.11 inbound.srtp=off outbound.srtp=off
connection open type=ip side=customer allow=192.0.2.12 server=192.0.2.12 inbound.srtp=off outbound.srtp=off messages=on
route one match=+1* use=quiet
route two match=+2* use=open
a sends INVITE +1900 savp
quiet expects INVITE avp
quiet sends 200 avp
quiet expects ACK
a expects 200 savp
a sends ACK
a sends MESSAGE "body=hello"
quiet expects nothing
a expects 403 "RF-503" "messages is off"
quiet sends MESSAGE "body=spam"
a expects nothing
quiet expects 403
a sends BYE
a expects 200
quiet expects BYE
quiet sends 200 to
a sends INVITE +2900 savp
open expects INVITE avp
open sends 200 avp
open expects ACK
a expects 200 savp
a sends ACK
a sends MESSAGE "body=hello"
open expects MESSAGE "hello" !"User 201"
open sends 200 to
a expects 200
open sends MESSAGE "body=hello back"
a expects MESSAGE "hello back"
a sends 200 to
open expects 200
a sends BYE
a expects 200
open expects BYE
open sends 200 to
