# RFC 3891 3, RFC 3261 17.2.1: an INVITE that still waits in the other worker's mailbox: its repeat, which comes there first, is absorbed and not challenged
include scenes/rings-at-worker-0.scene
letters held
c sends INVITE 202 avp "Replaces: {b}"
letters 2
c repeats
c expects nothing
letters come
c expects 200 avp
c sends ACK
a expects 200 avp
a sends ACK
b expects CANCEL
b sends 200 to
b sends 487
b expects ACK
c repeats
c expects nothing
a sends BYE
a expects 200
c expects BYE
c sends 200 to
record has '"picked_up_by":"202"'
