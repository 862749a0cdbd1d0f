# a proxy behind the binding forks: several early dialogs, the latest early answer is shown, the first 2xx wins
include scenes/called.scene
b sends 183 savp totag=f1 port=5000
a expects 183 savp
relay leg B encrypted port=5000
b sends 183 savp totag=f2 port=6000 key=77
relay leg B encrypted port=6000
a expects nothing
b sends 200 savp totag=f2 port=6000 key=77
b expects ACK ";tag=f2"
b sends 200 savp totag=f1 port=5000
b expects ACK ";tag=f1"
b expects BYE ";tag=f1"
b sends 200 to
a expects 200 savp
a sends ACK
relay leg B port=6000
a sends BYE
b expects BYE ";tag=f2"
b sends 200 to
