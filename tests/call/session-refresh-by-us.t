# we refresh at half of Session-Expires, one leg after the other, when the phones have no timer (RFC 4028)
set session-expires 600
include scenes/call-up.scene
elapse 299s
a expects nothing
b expects nothing
elapse 2s
a expects INVITE "Session-Expires: 600;refresher=uac" savp
a sends 200 savp
a expects ACK
b expects nothing
elapse 2s
b expects INVITE "Session-Expires: 600;refresher=uac" savp
b sends 200 savp
b expects ACK
elapse 290s
a expects nothing
b expects nothing
elapse 12s
a expects INVITE
a sends 200 savp
a expects ACK
elapse 2s
b expects INVITE
b sends 200 savp
b expects ACK
a sends BYE
a expects 200
b expects BYE
b sends 200 to
