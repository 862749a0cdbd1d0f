"""tests/lib/watch.py - a phone that asks for events: requests outside of a call with sign-in, subscriptions, NOTIFY."""
import re

import sip
from daemon import DOMAIN, PASSWORDS


def ask(endpoint, user, method, to, headers=(), body="", kind="text/plain", passwords=PASSWORDS, timeout=20,
        sign_in=True):
    """A request outside of a dialog, with the answer to its challenge: (final response, Call-ID, From)."""
    uri, call_id = f"sip:{to}@{DOMAIN}", sip.token() + "@test"
    sender = f"<sip:{user}@{DOMAIN}>;tag={sip.token(4)}"

    def text(n, more):
        # Content-Length is the endpoint's; a body of another type than SDP needs its own.
        head = endpoint.request(method, uri, [f"From: {sender}", f"To: <{uri}>", f"Call-ID: {call_id}",
                                              f"CSeq: {n} {method}", f"Contact: {endpoint.contact(user)}", *headers,
                                              *more])
        if not body:
            return head
        return head.replace("Content-Length: 0\r\n\r\n",
                            f"Content-Type: {kind}\r\nContent-Length: {len(body.encode())}\r\n\r\n") + body

    mine = lambda n: lambda m: (m.status and m.status >= 200 and m.get("call-id") == call_id  # noqa: E731
                                and m.get("cseq").startswith(f"{n} "))
    reply = endpoint.ask(text(1, []), mine(1), timeout)
    if reply is not None and reply.status == 407 and sign_in:
        value = sip.digest(reply.get("proxy-authenticate"), user, passwords[user], method, uri)
        reply = endpoint.ask(text(2, [f"Proxy-Authorization: {value}"]), mine(2), timeout)
    return reply, call_id, sender


class Subscription:
    """One of `user` to `event` of `to`; NOTIFY are answered 200 as they are taken."""

    def __init__(self, endpoint, user, to, event="dialog", expires=600, headers=()):
        self.endpoint, self.user = endpoint, user
        self.reply, self.call_id, self.sender = ask(endpoint, user, "SUBSCRIBE", to,
                                                    [f"Event: {event}", f"Expires: {expires}", *headers])
        self.event, self.cseq, self.versions, self.cseqs = event, 10, [], []
        if self.reply is not None and self.reply.status == 200:
            self.remote = self.reply.get("to")
            self.target = re.search(r"<([^>]+)>", self.reply.get("contact")).group(1)

    def notify(self, timeout=20, want=lambda m: True):
        """The next NOTIFY of this subscription for which want holds; those before it are answered, too."""
        while True:
            m = self.endpoint.wait(lambda m: m.method == "NOTIFY" and m.get("call-id") == self.call_id, timeout)
            if m is None:
                return None
            self.endpoint.reply(m, 200, "OK")
            cseq = int(m.get("cseq").split()[0])
            if cseq in self.cseqs:
                continue  # a repeat over UDP
            self.cseqs.append(cseq)
            version = re.search(rb'version="(\d+)"', m.body)
            if version:
                self.versions.append(int(version.group(1)))
            if want(m):
                return m

    def state(self, words, timeout=20):
        """Wait for a NOTIFY whose body has these words; its text, or what came last."""
        m = self.notify(timeout, lambda m: words in m.text)
        return m.text if m else None

    def refresh(self, expires, endpoint=None):
        self.endpoint = endpoint or self.endpoint
        self.cseq += 1
        e = self.endpoint
        return e.ask(e.request("SUBSCRIBE", self.target, [f"From: {self.sender}", f"To: {self.remote}",
                                                          f"Call-ID: {self.call_id}", f"CSeq: {self.cseq} SUBSCRIBE",
                                                          f"Contact: {e.contact(self.user)}", f"Event: {self.event}",
                                                          f"Expires: {expires}"]),
                     lambda m: m.status and m.get("call-id") == self.call_id
                     and m.get("cseq").startswith(f"{self.cseq} "))
