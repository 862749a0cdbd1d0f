# bypass: keys leave over no clear leg, and none are taken from one (TEL-33, TEL-12)
user 201
user 202
phone a 201 tls
phone u 202 udp
phone carrier + udp unregistered
connection carrier type=ip side=customer allow=192.0.2.12 server=192.0.2.12 media-handling-mode=bypass
route out match=+* use=carrier
a sends INVITE +4930 savp
carrier expects nothing
a expects 488 "Q.850;cause=88"
u sends INVITE +4930 savp
u expects 488 "RF-309"
carrier expects nothing
# nor other keying: MIKEY (RFC 4567), k= (RFC 4566), a capability (RFC 5939)
u sends INVITE +4930 avp "attr=key-mgmt:mikey AQAFgM0XflABAAAAAAAAAAAAAAsAyO"
u expects 488 "RF-309"
u sends INVITE +4930 avp line=k=base64:c2VjcmV0
u expects 488 "RF-309"
u sends INVITE +4930 avp "attr=acap:1 crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAAA"
u expects 488 "RF-309"
a sends INVITE +4930 avp "attr=key-mgmt:mikey AQAFgM0XflABAAAAAAAAAAAAAAsAyO"
carrier expects nothing
a expects 488 "Q.850;cause=88"
a sends INVITE +4930 avp line=k=clear:secret
carrier expects nothing
a expects 488 "Q.850;cause=88"
a sends INVITE +4930 avp line=k=uri:https://keys.example/1
carrier expects nothing
a expects 488 "Q.850;cause=88"
a sends INVITE +4930 avp
carrier expects INVITE avp
carrier sends 200 avp
carrier expects ACK
a expects 200 avp
a sends ACK
a sends BYE
a expects 200
carrier expects BYE
carrier sends 200 to
# k=prompt holds no key: a person is asked
a sends INVITE +4930 avp line=k=prompt
carrier expects INVITE avp "k=prompt"
carrier sends 200 avp
carrier expects ACK
a expects 200 avp
a sends ACK
a sends BYE
a expects 200
carrier expects BYE
carrier sends 200 to
