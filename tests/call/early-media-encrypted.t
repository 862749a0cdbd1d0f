# 183 and 200 carry the same crypto line; early media is encrypted on both legs (TEL-24)
include scenes/called.scene
relay leg A unset
b sends 183 savp
a expects 183 savp
relay leg A encrypted required sends listens
relay leg B encrypted required sends listens
b sends 200 savp
a expects 200 savp same-crypto
relay leg A encrypted required sends listens keys=1
a sends ACK
b forgets
a sends BYE
b expects BYE
b sends 200 to
