# from another address than the connection's: a challenge like any stranger's, whatever the number (TEL-1)
user 201
phone a 201 tls
phone other +4930123456 udp unregistered mute
connection carrier type=ip side=customer allow=192.0.2.99
number +442071838750 connection=carrier to=201
other sends INVITE +442071838750 avp
other expects 407 !"carrier" !"RF-" "Proxy-Authenticate: Digest"
a expects nothing
records 0
