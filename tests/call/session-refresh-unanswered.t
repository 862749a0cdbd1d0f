# a phone that does not answer our refresh is gone: BYE to both
set session-expires 600
include scenes/call-up.scene
elapse 301s
a expects INVITE
elapse 33s
b expects BYE
b sends 200 to
a expects BYE
record has '"ended_by":"caller"'
