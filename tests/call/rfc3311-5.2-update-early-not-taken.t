# RFC 3311 5.2: what the phone does not do by UPDATE is answered here where it can be; what it refuses, is refused; silence is 500
include scenes/early-answer.scene
a sends UPDATE savp ver=2 codecs=8
b expects UPDATE savp
b sends 488 to
a expects 488
a sends UPDATE savp ver=3 codecs=0 dir=sendonly
b expects UPDATE savp dir=sendonly
elapse 17s
a expects 500 "Retry-After: "
a sends UPDATE savp ver=4 codecs=0 dir=sendonly
b expects UPDATE savp dir=sendonly
b sends 405 to
a expects 200 savp dir=recvonly
a sends UPDATE savp ver=5 codecs=8
a expects 488
b sends 200 savp codecs=0
b expects ACK
a expects 200
a sends ACK
elapse 1s
b expects INVITE savp dir=sendonly
b sends 200 savp dir=recvonly ver=2
b expects ACK
a expects INVITE savp
a sends 200 savp dir=sendonly ver=4
a expects ACK
a sends BYE
a expects 200
b expects BYE
b sends 200 to
