# over connections: those with messages on, one after the other, signing in there; nothing of our inside goes out
user 201
phone a 201 tls
phone off + udp unregistered
phone first + udp unregistered
phone second +4930123456 udp unregistered
connection off type=ip allow=192.0.2.11 server=192.0.2.11
connection first type=ip allow=192.0.2.12 server=192.0.2.12 messages=on
connection second type=credential side=customer server=192.0.2.13 username=office password=secret messages=on caller-id=+442071838750
number +442071838750 connection=second to=201
number 100 connection=off to=201
route out match=+* "use=off first second"
a requests MESSAGE +4930123456 "body=hello"
off expects nothing
first expects MESSAGE "sip:+4930123456@192.0.2.12" 'From: <sip:201@pbx.example>' !"User 201"
first sends 503 to
second expects MESSAGE "sip:+4930123456@192.0.2.13" "From: <sip:+442071838750@pbx.example>"
second sends 407 to 'Proxy-Authenticate: Digest realm="r", nonce="n", algorithm=MD5, qop="auth"'
second expects MESSAGE 'Proxy-Authorization: Digest username="office"' "hello"
second sends 200 to
a expects 200
first expects nothing
off requests MESSAGE 100 "body=spam"
off expects 403 "RF-503"
second requests MESSAGE +442071838750 "body=hello back"
a expects MESSAGE "hello back" "From: <sip:+4930123456@pbx.example>"
a sends 200 to
second expects 200
first requests MESSAGE +442071838750 "body=not yours"
first expects 404
