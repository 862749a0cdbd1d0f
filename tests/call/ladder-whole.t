# the ladder begins with the INVITE that was challenged and ends with the answer to our BYE; no key, no credentials
include scenes/called.scene
shown has '"ladder":[{"at_us":0,"leg":"A","direction":"in","method":"INVITE","sdp":true,"note":""},'
shown has '"leg":"A","direction":"out","method":"INVITE","status":407,"sdp":false,"note":""},'
shown has '"leg":"A","direction":"in","method":"ACK","sdp":false,"note":""},'
b sends 200 savp
b expects ACK
a expects 200 savp
a sends ACK
a sends BYE
a expects 200
records 0
b expects BYE
b sends 200 to
records 1
record has '"direction":"in","leg":"B","method":"BYE","note":"","sdp":false,"status":200}],"ladder_more":0'
record lacks inline
record lacks nonce
record lacks Digest
