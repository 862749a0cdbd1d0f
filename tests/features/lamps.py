#!/usr/bin/env python3
"""Busy lamps and messages that wait, through the whole daemon with two workers: over UDP and TLS, over a kill of signal and
a restart of everything, by command and by a voice mail system.

# sanitizers: address thread
"""
import os
import re
import signal
import time

import rtp
import sip
import tap
from baresip import Baresip
from daemon import DOMAIN, Daemon, config
from watch import Subscription, ask

USERS = {"201": "tidal-copper-41", "202": "birch-lamp-73", "203": "salt-river-08", "299": "amber-quill-19"}


class Call:
    """203 calls 202; raw endpoints with plain RTP's descriptions (srtp off for both), no packets."""

    def __init__(self, daemon, transport="tcp"):
        self.a, self.b = (sip.Endpoint(transport, daemon.ports[transport]) for _ in range(2))
        for end, user in ((self.a, "203"), (self.b, "202")):
            end.register(user, USERS[user], DOMAIN)
        self.media = [rtp.Media(1), rtp.Media(2)]
        self.calling = sip.call(self.a, "203", USERS["203"], DOMAIN, "202",
                                sip.sdp("127.0.0.1", self.media[0].port), 20)
        next(self.calling, None)
        self.invite = self.b.wait(lambda m: m.method == "INVITE", 20)
        self.tag = sip.token(4)

    def ring(self):
        self.b.reply(self.invite, 180, "Ringing", self.tag, [f"Contact: {self.b.contact('202')}"])

    def answer(self):
        self.b.reply(self.invite, 200, "OK", self.tag, [f"Contact: {self.b.contact('202')}"],
                     sip.sdp("127.0.0.1", self.media[1].port))
        last = next(self.calling, None)
        while last is not None and last.status < 200:
            last = next(self.calling, None)
        self.dialog = sip.Dialog.of_caller(self.a, last)
        self.dialog.ack()
        self.b.wait(lambda m: m.method == "ACK", 20)
        return last

    def close(self):
        for m in self.media:
            m.close()
        self.a.close()
        self.b.close()


def subscribe(daemon, transport, user, to, host="127.0.0.1", **kw):
    """A phone at an address of its own, by which it is known again when its connection and contact are others."""
    end = sip.Endpoint(transport, daemon.ports[transport], source=(host, 0))
    end.register(user, USERS[user], DOMAIN)
    return Subscription(end, user, to, **kw)


def lamps(daemon):
    watchers = [subscribe(daemon, t, "201", "202", f"127.0.0.{11 + i}")  # several workers among them
                for i, t in enumerate(("tls", "udp", "tls", "tls"))]
    for w in watchers:
        tap.equal(w.reply and w.reply.status, 200, f"a subscription over {w.endpoint.transport}")
        tap.ok('state="full"' in (w.state("<dialog-info") or ""), "and its first NOTIFY is whole")
    mine = Subscription(sip.Endpoint("udp", daemon.ports["udp"]), "202", "202")
    call = Call(daemon)
    call.ring()
    for w in watchers:
        text = w.state("<state>early</state>") or ""
        tap.ok(text != "" and call.tag not in text and call.invite.get("call-id") not in text
               and call.invite.tag("from") not in text, "ringing, and nothing by which another user could take it", text)
    own = f'call-id="{call.invite.get("call-id")}"'
    text = mine.state("<state>early</state>") or ""
    tap.ok(own in text and f'local-tag="{call.tag}"' in text and f'remote-tag="{call.invite.tag("from")}"' in text,
           "its own user's phones are told its name", text)
    mine.refresh(0)
    mine.endpoint.close()
    call.answer()
    for w in watchers:
        tap.ok(w.state("<state>confirmed</state>") is not None, "busy")
    rows = daemon.cli("subscriptions", "201", json_out=True)
    tap.equal(sorted((r["event"], r["of"], r["transport"]) for r in rows),
              [("dialog", "202", t) for t in ("TLS", "TLS", "TLS", "UDP")], "`ringfence subscriptions` lists them")
    return watchers, call


def signal_dies(daemon, watchers, call):
    """kill -9: the subscriptions go on, at those phones that come back and ask for nothing."""
    before = {w: (max(w.versions), max(w.cseqs)) for w in watchers}
    os.kill(daemon.children()["signal"], signal.SIGKILL)
    daemon.wait_event("signal.serves", 20, start=2)
    for w in watchers:
        if w.endpoint.transport != "udp":
            w.endpoint.close()
            w.endpoint = sip.Endpoint("tls", daemon.ports["tls"], source=(w.endpoint.local[0], 0))
            w.endpoint.register("201", USERS["201"], DOMAIN, timeout=30)
    for w in watchers:
        text = w.state("<state>confirmed</state>", 40) or ""
        tap.ok('state="full"' in text and max(w.versions) > before[w][0] and max(w.cseqs) > before[w][1],
               f"{w.endpoint.transport}: told anew without asking, with a higher version and CSeq", text)
    for w in watchers:
        r = w.refresh(600)
        tap.equal(r and r.status, 200, "and each subscription is known by its tags")
    call.a = sip.Endpoint("tcp", daemon.ports["tcp"])
    call.b.close()
    call.b = sip.Endpoint("tcp", daemon.ports["tcp"])
    for end, user in ((call.a, "203"), (call.b, "202")):
        end.register(user, USERS[user], DOMAIN, timeout=30)
    call.dialog.endpoint = call.a
    call.dialog.request("BYE")
    call.a.wait(lambda m: m.status == 200, 20)
    bye = call.b.wait(lambda m: m.method == "BYE", 20)
    if bye is not None:
        call.b.reply(bye, 200, "OK")
    for w in watchers:
        tap.ok(w.state("<state>terminated</state>") is not None, "the call's end reaches the lamp")


def mailboxes(daemon):
    mwi = subscribe(daemon, "tls", "201", "201", event="message-summary")
    tap.equal(mwi.reply and mwi.reply.status, 200, "a subscription to one's own messages")
    tap.ok(mwi.state("Voice-Message: 0/0") is not None, "none at first")
    code, _, err = daemon.cli("mailbox", "set", "201", "--new", "3/1", "--old", "5")
    tap.equal((code, err.strip()), (0, "3 new messages wait for 201"), "set by command")
    tap.ok(mwi.state("Voice-Message: 3/5 (1/0)") is not None, "the phone learns of it")
    voice = sip.Endpoint("udp", daemon.ports["udp"])
    reply, _, _ = ask(voice, "299", "NOTIFY", "201", ["Event: message-summary", "Subscription-State: active"],
                      "Messages-Waiting: yes\r\nVoice-Message: 4/5\r\n", "application/simple-message-summary", USERS)
    tap.equal(reply and reply.status, 200, "set by a voice mail system")
    tap.ok(mwi.state("Voice-Message: 4/5") is not None, "the phone learns of that, too")
    reply, _, _ = ask(voice, "203", "PUBLISH", "201", ["Event: message-summary"], "Messages-Waiting: no\r\n",
                      "application/simple-message-summary", USERS)
    tap.equal(reply and reply.status, 403, "who is none is refused")
    voice.close()
    return mwi


def with_baresip(daemon):
    """baresip asks for its messages and shows what it is told."""
    host, port = daemon.ports["tls"]
    phone = Baresip(os.path.join(daemon.folder, "baresip"), "203", USERS["203"], DOMAIN,
                    f"sip:{host}:{port};transport=tls", extra=";mwi=yes", apps=("mwi",))
    try:
        tap.ok(daemon.wait_registered("203"), "baresip is registered")
        deadline = time.time() + 20
        while time.time() < deadline and not any(r["event"] == "message-summary" and r["of"] == "203"
                                                 for r in daemon.cli("subscriptions", "203", json_out=True)):
            time.sleep(0.3)
        tap.ok(time.time() < deadline, "and has asked for its messages")
        daemon.cli("mailbox", "set", "203", "--new", "7", "--old", "1")
        deadline = time.time() + 15
        while time.time() < deadline and "7/1" not in phone.text():
            time.sleep(0.2)
        tap.ok("7/1" in phone.text(), "it shows that seven wait", phone.text()[-1500:])
    finally:
        phone.close()


def everything_restarts(daemon, mwi, watcher):
    daemon.kill()
    daemon.start()
    rows = daemon.cli("mailbox", json_out=True)
    tap.equal(sorted((r["user"], r["new"], r["old"]) for r in rows), [("201", 4, 5), ("203", 7, 1)],
              "messages that wait are not lost")
    rows = daemon.cli("subscriptions", json_out=True)
    tap.ok(any(r["event"] == "message-summary" for r in rows) and any(r["event"] == "dialog" for r in rows),
           "nor is any subscription", rows)
    for s in (mwi, watcher):
        s.endpoint.close()
        s.endpoint = sip.Endpoint("tls", daemon.ports["tls"], source=(s.endpoint.local[0], 0))
        s.endpoint.register("201", USERS["201"], DOMAIN, timeout=30)
        r = s.refresh(0)
        tap.equal(r and r.status, 200, "each can be ended")
        m = s.notify(20, lambda m: "terminated" in m.get("subscription-state"))
        tap.ok(m is not None, "and says goodbye")


def rules(daemon):
    end = sip.Endpoint("tls", daemon.ports["tls"])
    reply, _, _ = ask(end, "203", "SUBSCRIBE", "201", ["Event: dialog"], passwords=USERS)
    tap.equal(reply and reply.status, 403, "watched-by keeps a user out")
    tap.ok("RF-503" in (reply.get("warning") if reply else ""), "with its code")
    reply, _, _ = ask(end, "202", "SUBSCRIBE", "201", ["Event: dialog"], passwords=USERS, sign_in=False)
    tap.equal(reply and reply.status, 407, "nobody watches without signing in")
    one = Subscription(end, "202", "201", expires=600)
    tap.equal(one.reply and one.reply.status, 200, "a member of the ring-group that may")
    tap.ok(one.state("<dialog-info") is not None, "is told")
    tap.equal(daemon.cli("user", "set", "202", "--do-not-disturb", "on")[0], 0, "an unrelated change")
    code, _, err = daemon.cli("set", "user.201.watched-by", "none")
    tap.equal(code, 7, "watched-by stands in the file and is pinned there")
    reply = one.refresh(0)
    tap.equal(reply and reply.status, 200, "ended")
    end.close()


def main():
    text = config(users=USERS, workers=2, srtp={u: "off" for u in USERS},
                  of_user={"299": "may-set-mailboxes on", "201": "watched-by 300"},
                  more="ring-group 300 {\n    members 202\n}\n",
                  sip="subscription-expires 10m\n    digest-algorithms MD5")
    with Daemon(text=text) as daemon:
        watch_passwords()
        watchers, call = lamps(daemon)
        signal_dies(daemon, watchers, call)
        mwi = mailboxes(daemon)
        rules(daemon)
        with_baresip(daemon)
        everything_restarts(daemon, mwi, watchers[0])
        call.close()
        time.sleep(0.5)
        log = daemon.log_text()
        tap.ok(not re.search(r"not_restored", log), "every row of the store was good")
    tap.done()


def watch_passwords():
    import watch
    watch.PASSWORDS.update(USERS)


if __name__ == "__main__":
    main()
