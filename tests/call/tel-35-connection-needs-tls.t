# require-tls: a call by UDP gets 503 with cause 88 (TEL-35, TEL-16)
user 201
phone a 201 tls
phone carrier + udp unregistered
connection carrier type=ip side=customer allow=192.0.2.11 require-tls=on
number 100 connection=carrier to=201
carrier sends INVITE 100 avp
carrier expects 503 'Reason: Q.850;cause=88;text="INCOMPATIBLE_DESTINATION"' "RF-517"
a expects nothing
