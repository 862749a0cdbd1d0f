# a call to one's own number rings one's own phone and ends cleanly
user 201
phone a 201 tls
a sends INVITE 201 savp
a forgets
elapse 181s
a forgets
