#!/usr/bin/env python3
"""Limits hold for the daemon, not for each worker: four workers, and a source whose connections and datagrams are spread
over all of them has one share of requests, one of connections and one ban; a user's calls-max and the daemon's count
the calls of all workers, after a kill -9 of signal as before, and come back to 0 whatever ended the calls.

# sanitizers: address, thread
"""
import os
import signal
import socket
import time

import sip
import tap
from daemon import DOMAIN, Daemon

USERS = {"203": "salt-river-08", "204": "moss-wheel-55", "205": "fern-anvil-12", "206": "pike-ember-90",
         "207": "dune-cork-31"}
OFF = dict.fromkeys(USERS, "off")
WORKERS = 4
LIMITS = """security {
    exempt-loopback off
    requests-per-source 20
    handshakes-per-source 1000
    wrong-passwords 5
    ban-time 90s
}
"""
SLOW = os.environ.get("RF_VARIANT", "plain") != "plain"


def status(daemon):
    return daemon.cli("status", json_out=True)[0]


def shares(daemon, what):
    return status(daemon)["shares"][what]


def new_signal(daemon):
    """kill -9 of signal; returns when its successor answers commands."""
    before = daemon.children()["signal"]
    os.kill(before, signal.SIGKILL)
    deadline = time.time() + 30
    while time.time() < deadline:
        if daemon.children().get("signal") not in (None, before):
            try:
                if status(daemon)["signal_starts"] > 1:
                    return True
            except (ValueError, IndexError, KeyError):
                pass
        time.sleep(0.1)
    return False


def workers_used(daemon):
    return sum(w["messages_in"] > 0 for w in status(daemon)["worker"])


def is_shut_out(daemon, source):
    """Does a new connection from this source get closed before anything is said?"""
    try:
        end = sip.Endpoint("tcp", daemon.ports["tcp"], source)
        end.send("\r\n\r\n")
        said = end.receive_octets(3)
        end.close()
    except OSError:
        said = b""
    return said == b""


# --- sources: sign-in, bans, floods ---

GUESSER, FLOODER, CROWD, OTHER = ("127.0.0.71", 0), ("127.0.0.72", 0), ("127.0.0.73", 0), ("127.0.0.74", 0)

with Daemon(users=USERS, srtp=OFF, more=LIMITS, workers=WORKERS, sip="connections-per-source 12") as daemon:
    codes = []
    for _ in range(12):
        try:
            end = sip.Endpoint("tcp", daemon.ports["tcp"], GUESSER, timeout=3)
            reply = end.register("203", "guess-" + sip.token(2), DOMAIN)
            codes.append(reply.status if reply is not None else None)
            end.close()
        except OSError:
            codes.append(None)
    tap.ok(codes == [401] * 6 + [None] * 6,
           "guesses on a connection each count together: five are wrong passwords, with the sixth the ban begins", codes)
    tap.ok(workers_used(daemon) >= 2, "they came to several workers", workers_used(daemon))
    tap.ok(all(is_shut_out(daemon, GUESSER) for _ in range(12)), "no worker takes a connection of the banned source")
    event = daemon.wait_event("refused", 5, code="RF-511")
    tap.ok(event is not None and event["addr"] == GUESSER[0] and "security.wrong-passwords" in event["msg"],
           "the line names source and setting", event)
    tap.equal(sum(e.get("code") == "RF-511" and e["event"] == "refused" for e in daemon.events()), 1,
              "and is one line for all workers")
    code, out, _ = daemon.cli("explain", "RF-511")
    tap.ok(code == 0 and GUESSER[0] in out and "security.wrong-passwords" in out, "explain names both", out)
    other = sip.Endpoint("tcp", daemon.ports["tcp"], OTHER)
    tap.equal(other.register("203", USERS["203"], DOMAIN).status, 200, "the user whose password was guessed signs in")

    rows = daemon.cli("ban", json_out=True)
    tap.ok(len(rows) == 1 and rows[0]["source"] == GUESSER[0] and 0 < rows[0]["left_s"] <= 90 and
           "security.wrong-passwords" in rows[0]["reason"], "ban lists it with the reason", rows)

    # A flood from many ports: the kernel spreads it over the workers' sockets.
    ends = [sip.Endpoint("udp", daemon.ports["udp"], FLOODER) for _ in range(40)]
    began = time.time()
    for n in range(15):
        for e in ends:
            e.send(e.request("OPTIONS", f"sip:{DOMAIN}", [f"From: <sip:x@{DOMAIN}>;tag=1", f"To: <sip:{DOMAIN}>",
                                                           f"Call-ID: {sip.token()}", f"CSeq: {n + 1} OPTIONS"]))
    seconds = time.time() - began
    served = busy = 0
    for e in ends:
        while (m := e.receive(1 if busy == 0 else 0.2)) is not None:
            served += m.status == 200
            busy += m.status == 503
    most = 100 + 20 * (seconds + 2)
    tap.ok(90 <= served <= most and busy > 200, "a flood over 40 ports gets one share of 100 and 20 a second",
           f"{served} served of 600, {busy} put off, {seconds:.1f} s")
    used = status(daemon)
    tap.ok(sum(w["guarded"] > 0 for w in used["worker"]) >= 2, "refused by several workers",
           [w["guarded"] for w in used["worker"]])
    tap.equal(sum(e.get("code") == "RF-512" and "requests-per-source" in e["msg"] and e["event"] == "refused"
                  for e in daemon.events()), 1, "in one line")

    # Connections at one time from one address.
    alive = []
    for _ in range(30):
        try:
            s = socket.create_connection(daemon.ports["tcp"], 5, CROWD)
            alive.append(s)
        except OSError:
            pass
    time.sleep(0.5)
    for s in alive:
        s.settimeout(2 if SLOW else 0.5)

    def is_open(s):
        try:
            s.sendall(b"\r\n\r\n")
            return s.recv(2) == b"\r\n"
        except OSError:
            return False

    tap.equal(sum(is_open(s) for s in alive), 12, "an address has its share of connections at all workers together")
    for s in alive:
        s.close()
    deadline = time.time() + 10
    while time.time() < deadline and shares(daemon, "connections")["now"] > 1:
        time.sleep(0.2)
    tap.equal(shares(daemon, "connections")["now"], 1, "connections that ended are not counted: one is left")

    # TLS at the plain port, from two sources: one line each, however often.
    hello = bytes.fromhex("160301002e0100002a0303") + os.urandom(32) + bytes.fromhex("000002c02f0100")
    for n in range(40):
        source = (f"127.0.0.{75 + n % 2}", 0)
        s = socket.create_connection(daemon.ports["tcp"], 5, source)
        s.sendall(hello)
        s.settimeout(5)
        tls_alert = s.recv(16)
        s.close()
        if tls_alert[:1] != b"\x15":
            break
    tap.equal(tls_alert, bytes.fromhex("15030100020228"), "TLS at the plain port is answered by an alert")
    lines = [e for e in daemon.events() if e.get("code") == "RF-107"]
    tap.ok(len(lines) == 2 and status(daemon)["refused"]["RF-107"] == 40, "RF-107: a line for each source, all counted",
           [e["msg"] for e in lines])

    # kill -9: the guesser does not get a fresh start.
    tap.ok(new_signal(daemon), "signal is started again after kill -9")
    tap.ok(all(is_shut_out(daemon, GUESSER) for _ in range(8)), "the ban outlives the process")
    tap.equal(shares(daemon, "guard")["banned"], 1, "status counts it")
    other = sip.Endpoint("tcp", daemon.ports["tcp"], OTHER)
    tap.equal(other.register("203", USERS["203"], DOMAIN).status, 200, "others are served")
    tap.equal(daemon.cli("ban", "lift", GUESSER[0])[0], 0, "an operator lifts it")
    tap.equal(daemon.cli("ban", "lift", GUESSER[0])[0], 1, "once")
    tap.equal(daemon.cli("ban", "lift", "nowhere")[0], 2, "and gives an address")
    tap.ok(not any(is_shut_out(daemon, GUESSER) for _ in range(8)), "no worker shuts the source out any more")
    tap.ok(new_signal(daemon) and daemon.cli("ban", json_out=True) == [], "nor does the next process")

# --- calls ---


class Caller:
    """One INVITE of a user, with names that a test knows."""

    def __init__(self, end, user="203", callee="204", body=None, sender=None):
        self.end, self.user, self.uri = end, user, f"sip:{callee}@{DOMAIN}"
        self.sender, self.call_id, self.tag = sender or user, sip.token() + "@test", sip.token(4)
        self.body = sip.sdp("127.0.0.1", 40000) if body is None else body
        self.send(1, [])
        reply = self.final(1)
        self.ack(reply, 1)
        value = sip.digest(reply.get("proxy-authenticate"), user, USERS[user], "INVITE", self.uri)
        self.send(2, [f"Proxy-Authorization: {value}"])

    def headers(self, n, method, to=None):
        return [f"From: <sip:{self.sender}@{DOMAIN}>;tag={self.tag}", f"To: {to or '<' + self.uri + '>'}",
                f"Call-ID: {self.call_id}", f"CSeq: {n} {method}", f"Contact: {self.end.contact(self.user)}"]

    def send(self, n, more):
        self.end.send(self.end.request("INVITE", self.uri, self.headers(n, "INVITE") + more, self.body))
        self.branch = self.end.last_branch

    def ack(self, reply, n):
        self.end.send(self.end.request("ACK", self.uri, self.headers(n, "ACK", reply.get("to")), branch=self.branch))

    def cancel(self):
        self.end.send(self.end.request("CANCEL", self.uri, self.headers(2, "CANCEL"), branch=self.branch))

    def final(self, n=2, timeout=10):
        return self.end.wait(lambda m: m.status and m.status >= 200 and m.get("call-id") == self.call_id
                             and m.get("cseq") == f"{n} INVITE", timeout)

    def refused(self, timeout=10):
        """The final status, with its ACK unless it is a 2xx."""
        reply = self.final(2, timeout)
        if reply is None:
            return None
        self.reply = reply
        if reply.status >= 300:
            self.ack(reply, 2)
        return reply.status


def ring(b):
    return b.wait(lambda m: m.method == "INVITE", 10)


def pick_up(b, invite, tag):
    b.reply(invite, 200, "OK", tag, [f"Contact: {b.contact('204')}"], sip.sdp("127.0.0.1", 42000))


def answered(a, b, **kw):
    """A call that is up: the caller's dialog, the callee's, and the Caller."""
    c = Caller(a, **kw)
    invite, tag = ring(b), sip.token(4)
    pick_up(b, invite, tag)
    if c.refused() != 200:
        return None
    up = sip.Dialog.of_caller(a, c.reply)
    up.ack()
    b.wait(lambda m: m.method == "ACK", 5)
    return up, sip.Dialog.of_callee(b, invite, tag), c


def hang_up(first, second):
    first.request("BYE")
    bye = second.endpoint.wait(lambda m: m.method == "BYE", 10)
    if bye is not None:
        second.endpoint.reply(bye, 200, "OK")
    return first.endpoint.wait(lambda m: m.status and "BYE" in m.get("cseq"), 10)


def busy(a, b):
    c = Caller(a)
    b.reply(ring(b), 486, "Busy Here", sip.token(4))
    return c.refused() == 486


def cancelled(a, b):
    c = Caller(a)
    invite, tag = ring(b), sip.token(4)
    b.reply(invite, 180, "Ringing", tag, [f"Contact: {b.contact('204')}"])
    c.cancel()
    cancel = b.wait(lambda m: m.method == "CANCEL", 10)
    b.reply(cancel, 200, "OK")
    b.reply(invite, 487, "Request Terminated", tag)
    return c.refused() == 487


def caller_ends(a, b):
    up, other, _ = answered(a, b)
    return hang_up(up, other).status == 200


def callee_ends(a, b):
    up, other, _ = answered(a, b)
    return hang_up(other, up).status == 200


ENDINGS = [
    busy, cancelled, caller_ends, callee_ends,
    lambda a, b: Caller(a, callee="207").refused() == 480,              # nobody registered
    lambda a, b: Caller(a, callee="299").refused() == 404,              # nobody at all
    lambda a, b: Caller(a, body="v=0\r\nnonsense\r\n").refused() in (400, 488),
    lambda a, b: Caller(a, sender="204").refused() == 403,              # another's name
]

with Daemon(users=USERS, srtp=OFF, workers=WORKERS, more="calls-max 6\n", sip="ring-time 5s",
            of_user={"203": "calls-max 3", "205": "calls-max 9"}) as daemon:
    a, b, c = (sip.Endpoint("tcp", daemon.ports["tcp"]) for _ in range(3))

    def sign_in():
        for end, user in ((a, "203"), (b, "204"), (c, "205")):
            reply = end.register(user, USERS[user], DOMAIN)
            assert reply is not None and reply.status == 200, user

    sign_in()
    up = [answered(a, b) for _ in range(3)]
    tap.ok(all(up), "a user makes as many calls as calls-max of the user says")
    tap.ok(len({d[2].call_id for d in up}) == 3 and
           sum(w["calls"] > 0 for w in status(daemon)["worker"]) >= 1, "on whatever workers their Call-IDs say")
    refused = Caller(a)
    tap.ok(refused.refused() == 503 and refused.reply.get("retry-after").isdigit() and "RF-512" in
           refused.reply.get("warning") and "user.203.calls-max" in refused.reply.get("warning"),
           "one more: 503, Retry-After, and the setting", refused.reply.text)
    tap.equal([Caller(a).refused() for _ in range(8)], [503] * 8, "whichever worker it comes to")
    more = [answered(c, b, user="205") for _ in range(3)]
    tap.ok(all(more), "another user makes calls up to calls-max of all")
    tap.equal([Caller(c, user="205").refused() for _ in range(6)], [503] * 6, "one more of anybody: 503")
    refused = Caller(c, user="205")
    tap.ok(refused.refused() == 503 and "(calls-max)" in refused.reply.get("warning"), "and that setting",
           refused.reply.get("warning"))
    tap.equal(shares(daemon, "calls"), {"now": 6, "max": 6, "users": 2}, "status shows what is taken")
    hang_up(*up.pop()[:2])
    again = answered(a, b)
    tap.ok(again is not None, "after a BYE there is room for one")
    up.append(again)
    tap.equal(Caller(a).refused(), 503, "and no more")

    # The calls that are up are counted by the next process too, from its first request on.
    daemon.cli("calls")
    time.sleep(1)  # their rows are written by the store's thread
    tap.ok(new_signal(daemon), "signal is started again after kill -9")
    a, b, c = (sip.Endpoint("tcp", daemon.ports["tcp"]) for _ in range(3))
    sign_in()
    tap.equal(shares(daemon, "calls"), {"now": 6, "max": 6, "users": 2}, "calls that were up count after a restart")
    tap.equal([Caller(a).refused() for _ in range(5)], [503] * 5, "a user who has them all gets no other")
    for first, second, _ in up + more:
        first.endpoint = a if first.local.startswith("<sip:203") else c
        second.endpoint = b
    tap.ok(all(hang_up(first, second).status == 200 for first, second, _ in up + more), "they end by BYE")
    deadline = time.time() + 20
    while time.time() < deadline and shares(daemon, "calls")["now"] > 0:
        time.sleep(0.2)
    tap.equal(shares(daemon, "calls"), {"now": 0, "max": 6, "users": 0}, "and are counted no more")
    again = answered(a, b)
    tap.ok(again is not None and hang_up(*again[:2]).status == 200, "a new call is admitted")

with Daemon(users=USERS, srtp=OFF, workers=WORKERS, sip="ring-time 5s", ports=6000, more="media {\n    timeout 5s\n}\n") as daemon:
    def pair(caller, callee):
        ends = [sip.Endpoint("tcp", daemon.ports["tcp"]) for _ in range(2)]
        for end, user in zip(ends, (caller, callee)):
            assert end.register(user, USERS[user], DOMAIN).status == 200
        return ends

    # Endings that take their time, of users of their own: no ACK comes, no media comes, the operator ends it, both
    # phones vanish while one rings.
    a, b = pair("205", "206")
    slow = {"user": "205", "callee": "206"}
    unanswered = Caller(a, **slow)
    pick_up(b, ring(b), sip.token(4))
    tap.ok(all(answered(a, b, **slow) for _ in range(2)), "calls that nobody will hang up")
    ids = [row["id"] for row in daemon.cli("calls", json_out=True)]
    tap.ok(len(ids) >= 3 and daemon.cli("call", "hangup", ids[-1], "--yes")[0] == 0, "the operator ends one", ids)
    ringing = Caller(a, **slow)
    ring(b)
    a.close()
    b.close()
    a, b = pair("203", "204")

    rounds = 12 if SLOW else 250
    bad = []
    for n in range(rounds):
        for i, ending in enumerate(ENDINGS):
            try:
                if not ending(a, b):
                    bad.append(i)
            except (AttributeError, OSError) as e:
                bad.append((i, repr(e)))
    tap.ok(not bad, f"{rounds * len(ENDINGS)} calls with {len(ENDINGS)} endings", bad[:10])
    deadline = time.time() + 60
    while time.time() < deadline and shares(daemon, "calls")["now"] > 0:
        time.sleep(0.5)
    tap.equal(shares(daemon, "calls"), {"now": 0, "max": 10000, "users": 0}, "none of them is counted in the end")
    tap.ok(all(w["calls"] == 0 for w in status(daemon)["worker"]), "and no worker has a call left")
tap.done()
