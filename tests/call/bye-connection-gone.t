# the connection of the phone that owes the answer to our BYE closes: the call ends there, and the ladder says so
include scenes/call-up.scene
a sends BYE
a expects 200
b expects BYE
records 0
b leaves
records 1
record has "no answer: its connection is gone" '"ended_by":"caller"'
calls 0
