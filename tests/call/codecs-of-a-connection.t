# codecs of a connection: those of its list, in its order, in offers both ways; key presses stay; nothing left is RF-310
user 201
phone a 201 tls
phone carrier +4930123456 udp unregistered
connection carrier type=ip side=customer allow=192.0.2.11 server=192.0.2.11 "codecs=PCMA G722"
number 100 connection=carrier to=201
route out match=+* use=carrier
a sends INVITE +4930123456 savp "codecs=0 9 8 101"
carrier expects INVITE "RTP/AVP 8 9 101" !"PCMU" "telephone-event"
carrier sends 200 avp "codecs=9 8 101"
carrier expects ACK
a expects 200 savp "RTP/SAVP 9 8 101"
a sends ACK
a sends reINVITE savp "codecs=0 8 101" dir=sendonly
carrier expects INVITE "RTP/AVP 8 101"
carrier sends 200 avp "codecs=8 101" dir=recvonly
carrier expects ACK
a expects 200 "RTP/SAVP 8 101"
a sends ACK
a sends reINVITE savp "codecs=0 101"
carrier expects nothing
a expects 488 "RF-310"
a sends BYE
a expects 200
carrier expects BYE
carrier sends 200 to
a sends INVITE +4930123456 savp "codecs=0 101"
carrier expects nothing
a expects 488 "cause=88" "RF-310" "sip-connection.carrier.codecs"
record has RF-310
carrier sends INVITE 100 avp "codecs=0 8 9 101"
a expects INVITE "RTP/SAVP 8 9 101" !"PCMU"
a sends 200 savp "codecs=8 101"
a expects ACK
carrier expects 200 avp "RTP/AVP 8 101"
carrier sends ACK
carrier sends BYE
carrier expects 200
a expects BYE
a sends 200 to
carrier sends INVITE 100 avp "codecs=0 101"
carrier expects 488 "cause=88"
a expects nothing
record has RF-310
