# the caller hears 100 after 200 ms when nothing else was said
user 201
user 202
phone a 201 tls
phone b 202 tls
paths slow
a sends INVITE 202 savp
elapse 201ms
a expects 100
paths come
b expects INVITE
b sends 486
a expects 486
record has '"direction":"out","leg":"A","method":"INVITE","note":"","sdp":false,"status":100'
