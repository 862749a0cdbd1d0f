# our INVITE on UDP is repeated until a 1xx (timer A), and given up after 64*T1 (timer B): the caller gets 408
user 201
user 202
phone a 201 udp
phone b 202 udp
a sends INVITE 202 savp
b expects INVITE
b expects nothing
elapse 501ms
b expects INVITE again
elapse 1s
b expects INVITE again
elapse 31s
a expects 408
record has '"status":408'
