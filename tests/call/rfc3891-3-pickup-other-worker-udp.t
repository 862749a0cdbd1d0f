# RFC 3891 3, RFC 3261 17.2.1: an INVITE by UDP that went to another worker is refused there: its ACK and its repeats go there, too, and not to the worker of its Call-ID
include scenes/rings-at-worker-0.scene
letters held
c sends INVITE 202 avp "Replaces: {b};early-only"
letters 2
b sends 200 avp
b expects ACK
a expects 200
a sends ACK
letters come
c expects 486
c repeats
elapse 3s
c expects nothing
a sends BYE
a expects 200
b expects BYE
b sends 200 to
