"""tests/lib/calls.py - a call with plain RTP between two raw endpoints through the daemon."""
import rtp
import sip
from daemon import DOMAIN, PASSWORDS


class PlainCall:
    """203 calls 204; both are raw endpoints over `transport` and hold RTP both ways when made."""

    def __init__(self, daemon, transport="tcp", caller="203", callee="204", passwords=PASSWORDS):
        self.daemon, self.transport, self.passwords = daemon, transport, passwords
        self.caller, self.callee = caller, callee
        self.a = sip.Endpoint(transport, daemon.ports[transport])
        self.b = sip.Endpoint(transport, daemon.ports[transport])
        for end, user in ((self.a, caller), (self.b, callee)):
            reply = end.register(user, passwords[user], DOMAIN)
            assert reply is not None and reply.status == 200, f"{user} could not register: {reply and reply.start}"
        self.media_a, self.media_b = rtp.Media(0xa1), rtp.Media(0xb1)

    def establish(self):
        self.answer = None
        calling = sip.call(self.a, self.caller, self.passwords[self.caller], DOMAIN, self.callee,
                           sip.sdp("127.0.0.1", self.media_a.port))
        # The generator runs until the first response after the challenge: 100 or 180; the callee answers then.
        first = next(calling, None)
        assert first is not None, "no response to INVITE"
        invite = self.b.wait(lambda m: m.method == "INVITE", 10)
        assert invite is not None, f"the callee was not called: {first.start}"
        tag = sip.token(4)
        self.b.reply(invite, 180, "Ringing", tag, [f"Contact: {self.b.contact(self.callee)}"])
        self.b.reply(invite, 200, "OK", tag, [f"Contact: {self.b.contact(self.callee)}"],
                     sip.sdp("127.0.0.1", self.media_b.port))
        last = first
        while last is not None and last.status < 200:
            last = next(calling, None)
        assert last is not None and last.status == 200, f"the call was not answered: {last and last.start}"
        self.a_dialog = sip.Dialog.of_caller(self.a, last)
        self.a_dialog.ack()
        ack = self.b.wait(lambda m: m.method == "ACK", 10)
        assert ack is not None, "no ACK at the callee"
        self.b_dialog = sip.Dialog.of_callee(self.b, invite, tag)
        self.media_a.start(rtp.peer_of(last.body))
        self.media_b.start(rtp.peer_of(invite.body))

    def close(self):
        for m in (self.media_a, self.media_b):
            m.stop()
            m.close()
        for e in (self.a, self.b):
            e.close()
