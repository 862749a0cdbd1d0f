# signal and media died: phones are told as soon as they are back
include scenes/call-up.scene
relay leg A encrypted
restart lost
calls 0
