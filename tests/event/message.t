# a text message goes to all phones of a user; the first that has it answers for all (RFC 3428)
user 201
user 202
phone a 201 tls
phone b 202 tls
phone c 202 udp
a requests MESSAGE 202 type=text/plain "body=Watson, come here." "Subject: now" "X-Secret: 1"
b expects MESSAGE "Content-Type: text/plain" "Watson, come here." 'From: "User 201" <sip:201@pbx.example>' "To: <sip:202@pbx.example>" "Subject: now" "Max-Forwards: 69" !"X-Secret" !"Contact: " !"Proxy-Authorization"
c expects MESSAGE "Watson, come here."
a expects nothing
b sends 200 to
a expects 200
c sends 486 to
a expects nothing
a requests MESSAGE 202 "body=again"
b expects MESSAGE
b sends 405 to
a expects nothing
c expects MESSAGE
c sends 486 to
a expects 486
a requests MESSAGE 203 "body=nobody"
a expects 404 "RF-505"
c leaves
b leaves
a requests MESSAGE 202 "body=nobody there"
a expects 480
