# a caller who hides his number hides it from lamps, too
user 202
user 203
phone w 203 tls
phone b 202 tls
phone in +49 udp unregistered
connection in type=ip side=customer allow=192.0.2.12 trust-identity=on
number 100 connection=in to=202
w requests SUBSCRIBE 202 "Event: dialog"
w expects 200
w expects NOTIFY
w sends 200 to
elapse 1s
in sends INVITE 100 avp "P-Asserted-Identity: <sip:030999999@in.example>" "Privacy: id"
b expects INVITE
b sends 180
w expects NOTIFY "<state>early</state>" !"30999999" !"<remote>"
w sends 200 to
in sends CANCEL
b expects CANCEL
b sends 200 to
b sends 487
elapse 1s
w expects NOTIFY
w sends 200 to
b forgets
in forgets
w sends SUBSCRIBE "Event: dialog" "Expires: 0"
w expects 200
w expects NOTIFY
w sends 200 to
