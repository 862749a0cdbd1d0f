#!/usr/bin/env python3
"""From server to server with real sockets and a name server of our own (src/route/hunt.h, src/main/pathrule.h): what
happens when a target says 503, nothing, or drops its connection; and by which transport a large INVITE goes.

# sanitizers: address thread
# takes long
"""
import select
import socket
import threading
import time

import sip
import tap
from daemon import DOMAIN, Daemon
from zone import A, Zone

USERS = {"203": "salt-river-08", "204": "moss-wheel-55", "205": "fern-anvil-12", "206": "pike-ember-90"}
OPTIONAL = dict.fromkeys(USERS, "optional")
WORKERS = 2  # each remembers peers for itself
# Formats that make the INVITE larger than 1300 octets and smaller than a datagram.
LARGE = "".join(f"a=rtpmap:{n} opus/48000/2\r\na=fmtp:{n} minptime=10;useinbandfec=1;maxaveragebitrate=510{n}\r\n"
                for n in range(97, 121) if n != 101)


def description(is_large):
    if not is_large:
        return sip.sdp("127.0.0.1", 40000)
    formats = " ".join(str(n) for n in range(97, 121) if n != 101)
    return sip.sdp("127.0.0.1", 40000, extra=LARGE).replace("RTP/AVP 0 101", f"RTP/AVP 0 101 {formats}")


class Server:
    """UDP and TCP at one port. An INVITE is answered as `says` is: (status, headers), "nothing" or "close"."""

    def __init__(self, says=(486, []), udp=True, tcp=True):
        self.says, self.invites, self.connections, self.running = says, [], 0, True
        self.says_later, self.others = (200, []), []  # to requests in a dialog
        while True:
            self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.udp.bind(("127.0.0.1", 0))
            self.port = self.udp.getsockname()[1]
            self.tcp = socket.socket()
            try:
                self.tcp.bind(("127.0.0.1", self.port))
                break
            except OSError:
                self.udp.close()
                self.tcp.close()
        if not udp:
            self.udp.close()
        if tcp:
            self.tcp.listen(16)
        else:
            self.tcp.close()
        self.has_udp, self.has_tcp, self.kept = udp, tcp, {}
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while self.running:
            sources = ([self.udp] if self.has_udp else []) + ([self.tcp] if self.has_tcp else []) + list(self.kept)
            for s in select.select(sources, [], [], 0.1)[0]:
                if s is self.tcp:
                    self.kept[s.accept()[0]] = b""
                    self.connections += 1
                elif s is self.udp:
                    octets, peer = s.recvfrom(65536)
                    self.heard("udp", sip.Message(octets), lambda o, to=peer: self.udp.sendto(o, to), None)
                else:
                    self.read(s)

    def read(self, s):
        try:
            octets = s.recv(65536)
        except OSError:
            octets = b""
        if not octets:
            self.drop(s)
            return
        self.kept[s] = (self.kept[s] + octets).lstrip(b"\r\n")
        while s in self.kept and b"\r\n\r\n" in self.kept[s]:
            head = self.kept[s].index(b"\r\n\r\n") + 4
            n = head + int(sip.Message(self.kept[s][:head]).get("content-length", "0"))
            if len(self.kept[s]) < n:
                return
            message, self.kept[s] = sip.Message(self.kept[s][:n]), self.kept[s][n:]
            self.heard("tcp", message, s.sendall, s)

    def drop(self, s):
        del self.kept[s]
        s.close()

    def heard(self, transport, message, send, connection):
        if message.method not in ("INVITE", "ACK"):
            self.others.append(message)
            self.answer(message, self.says_later, send)
        if message.method != "INVITE":
            return
        self.invites.append((transport, message, time.time()))
        if self.says == "close" and connection is not None:
            self.drop(connection)
        elif isinstance(self.says, tuple):
            self.answer(message, self.says, send)

    @staticmethod
    def answer(message, says, send):
        if says is not None:
            status, headers, *body = says
            lines = [f"SIP/2.0 {status} X"] + [f"Via: {v}" for v in message.all("via")] + [
                f"From: {message.get('from')}", f"To: {message.get('to').removesuffix(';tag=x')};tag=x", f"Call-ID: {message.get('call-id')}",
                f"CSeq: {message.get('cseq')}", *headers, f"Content-Length: {len(''.join(body))}", "", *(body or [""])]
            send("\r\n".join(lines).encode())

    def take(self):
        got, self.invites = self.invites, []
        return got

    def close(self):
        self.running = False
        self.thread.join(2)
        for s in [self.udp, self.tcp, *self.kept]:
            s.close()


class Deaf:
    """A TCP port that drops SYNs: its queue is full of connections that nobody takes."""

    def __init__(self, port):
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", port))
        self.socket.listen(0)
        self.clients = []
        for _ in range(4):
            c = socket.socket()
            c.setblocking(False)
            c.connect_ex(("127.0.0.1", port))
            self.clients.append(c)
        time.sleep(0.1)

    def close(self):
        for s in [self.socket, *self.clients]:
            s.close()


class Calls:
    def __init__(self, daemon, user="203", callee="204"):
        self.daemon, self.user, self.callee = daemon, user, callee
        self.caller = sip.Endpoint("udp", daemon.ports["udp"])
        self.caller.register(user, USERS[user], DOMAIN)

    def to(self, contact, count=1, is_large=False, timeout=12):
        """The callee registers this contact and is called so often; the last response and the seconds of each call."""
        phone = sip.Endpoint("udp", self.daemon.ports["udp"])
        reply = phone.register(self.callee, USERS[self.callee], DOMAIN, contact=f"<{contact}>")
        if reply is None or reply.status != 200:
            tap.ok(False, f"{contact} registers", reply and reply.text)
            return None, []
        last, took = None, []
        for _ in range(count):
            start = time.time()
            for last in sip.call(self.caller, self.user, USERS[self.user], DOMAIN, self.callee, description(is_large),
                                 timeout=timeout):
                pass
            took.append(time.time() - start)
        phone.register(self.callee, USERS[self.callee], DOMAIN, contact=f"<{contact}>", expires=0)
        phone.close()
        return last, took


def large(calls, zone):
    both = Server()
    last, _ = calls.to(f"sip:204@127.0.0.1:{both.port}")
    got = both.take()
    tap.ok(last is not None and last.status == 486 and [t for t, _, _ in got] == ["udp"], "a small INVITE goes by UDP",
           [t for t, _, _ in got])
    last, took = calls.to(f"sip:204@127.0.0.1:{both.port}", 4, True)
    got = both.take()
    tap.ok(last is not None and last.status == 486 and [t for t, _, _ in got] == ["tcp"] * 4 and max(took) < 8,
           "RFC 3261 18.1.1: a large INVITE goes by TCP where the phone has both", f"{[t for t, _, _ in got]} {took}")
    tap.ok(all(len(m.octets) > 1300 and m.get("via").startswith("SIP/2.0/TCP ") and "transport=tcp" in m.get("contact")
               for _, m, _ in got) and both.connections <= WORKERS,
           "Via and Contact say TCP, and a connection serves several calls", got and got[0][1].text)
    calls.to(f"sip:204@127.0.0.1:{both.port};transport=udp", 1, True)
    tap.equal([t for t, _, _ in both.take()], ["udp"], "a contact that asks for UDP is called by UDP")
    zone.srv("_sip._udp.large.test", (10, both.port, "phone.test"))
    zone.srv("_sip._tcp.large.test", (10, both.port, "phone.test"))
    zone.records["large.test", A] = []
    calls.to("sip:204@large.test", 1, True)
    tap.equal([t for t, _, _ in both.take()], ["tcp"], "a domain with SRV records of both: those of TCP")
    zone.srv("_sip._udp.udponly.test", (10, both.port, "phone.test"))
    zone.records["udponly.test", A] = []
    calls.to("sip:204@udponly.test", 1, True)
    tap.equal([t for t, _, _ in both.take()], ["udp"], "a domain with SRV records of UDP alone: UDP")
    both.close()

    single = Server(tcp=False)
    last, took = calls.to(f"sip:204@127.0.0.1:{single.port}", 4, True)
    got = single.take()
    tap.ok(last is not None and last.status == 486 and [t for t, _, _ in got] == ["udp"] * 4 and min(took) < 0.9,
           "a phone with UDP alone refuses TCP: the call goes by UDP at once", f"{[t for t, _, _ in got]} {took}")
    single.close()

    single = Server(tcp=False)
    deaf = Deaf(single.port)
    last, took = calls.to(f"sip:204@127.0.0.1:{single.port}", 8, True)
    got = single.take()
    tap.ok(last is not None and last.status == 486 and [t for t, _, _ in got] == ["udp"] * 8,
           "a TCP port that drops SYNs: the calls go by UDP", [t for t, _, _ in got])
    slow = [t for t in took if t > 0.9]
    tap.ok(slow and min(took) < 0.9,
           "it is waited for a second, once a worker; the other calls ring at once", took)
    deaf.close()
    single.close()

    # Behind NAT: TCP at the mapped port would lead to somebody else.
    listener = Server(udp=False)
    phone = sip.Endpoint("udp", calls.daemon.ports["udp"], ("127.0.0.1", listener.port))
    heard = {}

    def ring():
        heard["invite"] = phone.wait(lambda m: m.method == "INVITE", 8)
        if heard["invite"] is not None:
            phone.reply(heard["invite"], 486, "Busy Here", "x")

    phone.register("204", USERS["204"], DOMAIN, contact="<sip:204@192.0.2.44:5060>")
    ringing = threading.Thread(target=ring)
    ringing.start()
    for _ in sip.call(calls.caller, "203", USERS["203"], DOMAIN, "204", description(True), timeout=10):
        pass
    ringing.join()
    tap.ok(heard["invite"] is not None and len(heard["invite"].octets) > 1300 and listener.connections == 0,
           "a binding behind NAT stays on its flow", f"{listener.connections} connections")
    phone.register("204", USERS["204"], DOMAIN, contact="<sip:204@192.0.2.44:5060>", expires=0)
    phone.close()
    listener.close()


def in_dialog(calls, zone):
    """The phone answers by its first server, which then says 503 to BYE, or dies: the second one gets it."""
    answer = (200, ["Contact: <sip:204@later.test>", "Content-Type: application/sdp"], sip.sdp("127.0.0.1", 40000))
    for transport, then, what in (("udp", (503, ["Retry-After: 60"]), "503 to our BYE"),
                                  ("tcp", "close", "a connection that is gone")):
        suffix = "" if transport == "udp" else ";transport=tcp"
        first, second = Server(answer), Server()
        first.says = (200, [answer[1][0].replace(">", suffix + ">"), answer[1][1]], answer[2])
        first.says_later = then if isinstance(then, tuple) else None
        zone.srv(f"_sip._{transport}.later.test", (10, first.port, "phone.test"), (20, second.port, "phone.test"))
        zone.records["later.test", A] = []
        last, _ = calls.to(f"sip:204@later.test{suffix}")
        tap.ok(last is not None and last.status == 200, f"{what}: the call is up", last and last.start)
        if last is not None and last.status == 200:
            dialog = sip.Dialog.of_caller(calls.caller, last)
            dialog.ack()
            if then == "close":
                first.close()
            dialog.request("BYE")
            deadline = time.time() + 8
            while time.time() < deadline and not any(m.method == "BYE" for m in second.others):
                time.sleep(0.05)
        tap.equal([m.method for m in second.others], ["BYE"], f"{what}: the next server of the dialog's target gets it")
        if first.running:
            first.close()
        second.close()


def failover(calls, zone):
    first, second = Server((503, ["Retry-After: 600"])), Server()
    zone.srv("_sip._udp.two.test", (10, first.port, "phone.test"), (20, second.port, "phone.test"))
    zone.records["two.test", A] = []
    last, took = calls.to("sip:204@two.test", 8)
    a, b = first.take(), second.take()
    tap.ok(last is not None and last.status == 486 and len(b) == 8 and max(took) < 8,
           "RFC 3263 4.3: 503 from the first target, the next one is called", f"{len(a)}, {len(b)}, {took}")
    tap.ok(1 <= len(a) <= WORKERS, "Retry-After: the first one is left alone by whoever heard it", len(a))
    if a and b:
        pair = [(x, y) for _, x, _ in a for _, y, _ in b if x.get("call-id") == y.get("call-id")]
        tap.ok(pair and all(x.get("cseq") == y.get("cseq") and x.get("from") == y.get("from") and
                            x.get("via") != y.get("via") for x, y in pair),
               "it is the same request with another branch", a[0][1].text + b[0][1].text)
    second.says = (503, ["Retry-After: 600"])
    last, took = calls.to("sip:204@two.test", 6)
    tap.ok(last is not None and last.status == 500 and len(second.take()) <= WORKERS and
           len(first.take()) < WORKERS and max(took) < 8,
           "when all asked us to wait nobody is called, and the caller hears 500", f"{last and last.start} {took}")

    third, fourth = Server("close"), Server()
    zone.srv("_sip._tcp.lost.test", (10, third.port, "phone.test"), (20, fourth.port, "phone.test"))
    zone.records["lost.test", A] = []
    last, took = calls.to("sip:204@lost.test;transport=tcp", 6)
    tap.ok(last is not None and last.status == 486 and [t for t, _, _ in fourth.take()] == ["tcp"] * 6 and max(took) < 8,
           "a target that drops its connection: the next one is called", f"{last and last.start} {took}")
    tap.ok(1 <= len(third.take()) <= WORKERS, "and it is set aside")

    fifth, sixth = Server((486, [])), Server()
    zone.srv("_sip._udp.busy.test", (10, fifth.port, "phone.test"), (20, sixth.port, "phone.test"))
    zone.records["busy.test", A] = []
    last, _ = calls.to("sip:204@busy.test", 2)
    tap.ok(last is not None and last.status == 486 and len(fifth.take()) == 2 and not sixth.take(),
           "486 speaks of the person: no other target is called")
    for s in (first, second, third, fourth, fifth, sixth):
        s.close()


class Silence(threading.Thread):
    """A target that says nothing is waited for as long as timer B runs: beside all else, by users of its own."""

    def __init__(self, daemon, zone):
        super().__init__()
        self.dead, self.alive = Server("nothing"), Server()
        zone.srv("_sip._udp.silent.test", (10, self.dead.port, "phone.test"), (20, self.alive.port, "phone.test"))
        zone.records["silent.test", A] = []
        self.calls = Calls(daemon, "205", "206")
        self.start()

    def run(self):
        self.last, self.took = self.calls.to("sip:206@silent.test", 1, timeout=40)

    def judge(self):
        self.join()
        last, took = self.last, self.took
        tap.ok(last is not None and last.status == 486 and len(self.alive.take()) == 1 and 31 < took[0] < 39,
               "a target that says nothing: timer B, then the next one", f"{last and last.start} {took}")
        tap.ok(len(self.dead.take()) >= 6, "it had its retransmissions")
        for s in (self.dead, self.alive, self.calls.caller):
            s.close()


zone = Zone()
zone.address("phone.test", "127.0.0.1")
with Daemon(users=USERS, srtp=OPTIONAL, workers=WORKERS, more="security {\n    strict-keys off\n}\n",
            sip=f"dns-servers 127.0.0.1:{zone.port}") as daemon:
    silence = Silence(daemon, zone)
    calls = Calls(daemon)
    large(calls, zone)
    in_dialog(calls, zone)
    failover(calls, zone)
    silence.judge()
    tap.equal(len(daemon.cli("calls", json_out=True)), 0, "no call is left over")
    calls.caller.close()
tap.done()
