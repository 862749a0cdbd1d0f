"""tests/lib/mixed.py - calls between a phone with plain RTP (203, over TCP) and an SRTP peer (201, over TLS) that is
played by somebody else's program. Descriptions and media of 201 are that program's; this is only its signalling."""
import time

import rtp
import sip
from daemon import DOMAIN, PASSWORDS


class Mixed:
    def __init__(self, daemon):
        self.daemon = daemon
        self.secure = sip.Endpoint("tls", daemon.ports["tls"])
        self.plain = sip.Endpoint("tcp", daemon.ports["tcp"])
        for end, user in ((self.secure, "201"), (self.plain, "203")):
            reply = end.register(user, PASSWORDS[user], DOMAIN)
            assert reply is not None and reply.status == 200, f"{user} could not register: {reply and reply.start}"

    def _call(self, caller, caller_user, callee, callee_user, offer, make_answer):
        """(final response, the INVITE that the callee got or None); the call is up when the status is 200."""
        calling = sip.call(caller, caller_user, PASSWORDS[caller_user], DOMAIN, callee_user, offer)
        last = next(calling, None)
        invite = None
        if last is not None and last.status < 300:
            invite = callee.wait(lambda m: m.method == "INVITE", 10)
            assert invite is not None, f"the callee was not called: {last.start}"
            tag = sip.token(4)
            callee.reply(invite, 200, "OK", tag, [f"Contact: {callee.contact(callee_user)}"],
                         make_answer(invite.body.decode()))
            while last is not None and last.status < 200:
                last = next(calling, None)
        if last is not None and last.status == 200:
            self.caller_dialog = sip.Dialog.of_caller(caller, last)
            self.caller_dialog.ack()
            assert callee.wait(lambda m: m.method == "ACK", 10) is not None, "no ACK at the callee"
            self.callee, self.caller = callee, caller
        return last, invite

    def from_secure(self, offer):
        """201 calls 203 with this description. (final response, Media of 203)"""
        media = rtp.Media(0xb1, interval=0.005)
        last, invite = self._call(self.secure, "201", self.plain, "203", offer,
                                  lambda _: sip.sdp("127.0.0.1", media.port))
        if invite is not None:
            media.start(rtp.peer_of(invite.body))
        return last, media

    def to_secure(self, make_answer):
        """203 calls 201, which answers make_answer(offer). (final response, Media of 203)"""
        media = rtp.Media(0xb1, interval=0.005)
        last, _ = self._call(self.plain, "203", self.secure, "201", sip.sdp("127.0.0.1", media.port), make_answer)
        if last is not None and last.status == 200:
            media.start(rtp.peer_of(last.body))
        return last, media

    def leg_of_201(self):
        """What the daemon shows of the SRTP leg of the newest call."""
        call = self.daemon.cli("call", "show", "last", json_out=True)[0]
        return next(leg for leg in call["legs"] if leg["user"] == "201")["media"]

    def hang_up(self):
        self.caller_dialog.request("BYE")
        bye = self.callee.wait(lambda m: m.method == "BYE", 10)
        if bye is not None:
            self.callee.reply(bye, 200, "OK")
        done = self.caller.wait(lambda m: m.status and "BYE" in m.get("cseq"), 10)
        return bye is not None and done is not None and done.status == 200

    def close(self):
        self.secure.close()
        self.plain.close()


def wait_heard(medias, packets, seconds=10):
    """True once each of them has received so many packets."""
    deadline = time.time() + seconds
    while time.time() < deadline:
        if all(len(m.received) >= packets for m in medias):
            return True
        time.sleep(0.02)
    return False
