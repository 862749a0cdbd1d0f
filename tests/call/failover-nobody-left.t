# every target fails: the last answer is what counts, and 503 is not relayed as ours
include scenes/first-of-two.scene
b sends 503
b expects ACK
b2 expects INVITE
b2 sends 503
b2 expects ACK
a expects 500
