# TEL-2: transferred to a phone without SRTP: the required leg stays encrypted, the plain one plain; never silent clear
include scenes/transfer-to-plain.scene
a sends 200 avp
a expects ACK
a expects BYE "cause=88"
a sends 200 to
c expects BYE
c sends 200 to
record has "RF-30"
