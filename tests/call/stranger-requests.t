# requests out of a dialog: OPTIONS 200 unchallenged, BYE 481, MESSAGE challenged
user 201
phone a 201 tls
a asks OPTIONS 201
a expects 200 "Allow:"
a asks BYE 201
a expects 481
a asks MESSAGE 201
a expects 407
a asks SUBSCRIBE 201
a expects 407
a asks FROBNICATE 201
a expects 501
