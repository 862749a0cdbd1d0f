# RTP/SAVP without a=crypto is refused (RF-302)
user 201
user 202
phone a 201 tls
phone b 202 tls
a sends INVITE 202 savp-plain
a expects 488 "cause=88" RF-30
