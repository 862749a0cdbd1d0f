# MESSAGE within a call reaches the other party of that call, both ways, with its body and what says what that is
user 201
user 202
phone a 201 tls
phone b 202 tls
phone b2 202 tls
a sends INVITE 202 savp
b expects INVITE savp
b2 expects INVITE savp
b2 sends 180
a expects 180
b sends 200 savp
b expects ACK
b2 expects CANCEL
b2 sends 200 to
b2 sends 487
b2 expects ACK
a expects 200 savp
a sends ACK
a sends MESSAGE "body=the number is 4711" "Subject: that number" "X-Inside: secret"
b expects MESSAGE "Content-Type: text/plain" "Subject: that number" "the number is 4711" !"X-Inside"
b2 expects nothing
b sends 200 to
a expects 200
b sends MESSAGE type=text/html "body=<b>thanks</b>" "Content-Disposition: render"
a expects MESSAGE "Content-Type: text/html" "Content-Disposition: render" "<b>thanks</b>"
a sends 202 to
b expects 202
# a phone that takes none says so
a sends MESSAGE "body=once more"
b expects MESSAGE
b sends 405 to
a expects 405
# no body is a message too; a body without its type is none
a sends MESSAGE
b expects MESSAGE "Content-Length: 0"
b sends 200 to
a expects 200
# several at once; those under way when the call ends are answered
a sends MESSAGE "body=one"
b sends MESSAGE "body=two"
b expects MESSAGE "one"
a expects MESSAGE "two"
a sends BYE
a expects 200
a expects 481
b expects 481
b expects BYE
b sends 200 to BYE
