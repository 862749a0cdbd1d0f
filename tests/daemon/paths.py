#!/usr/bin/env python3
"""How a phone is reached (src/main/pathrule.h) with real sockets and a name server of our own on loopback:
contacts with host names (RFC 3263), the next target after a failed connect, Path (RFC 3327).

# sanitizers: address
"""
import socket
import threading
import time

import sip
import tap
from daemon import DOMAIN, Daemon
from zone import A, SRV, Zone

USERS = {"203": "salt-river-08", "204": "moss-wheel-55"}
OPTIONAL = {"203": "optional", "204": "optional"}


class Listener:
    """A phone that waits for calls at its own port, by UDP or TCP."""

    def __init__(self, transport, host="127.0.0.1"):
        self.transport = transport
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM)
        self.socket.bind((host, 0))
        self.port = self.socket.getsockname()[1]
        if transport == "tcp":
            self.socket.listen(8)
        self.kept = []
        self.used = set()  # those of kept by which calls came

    def next_invite(self, seconds):
        """The next INVITE, or None. A connection that is there already is read as well as a new one."""
        deadline = time.time() + seconds
        while time.time() < deadline:
            if self.transport == "udp":
                self.socket.settimeout(0.2)
                try:
                    octets, self.peer = self.socket.recvfrom(65536)
                except OSError:
                    continue
                answer = lambda o, to=self.peer: self.socket.sendto(o.encode(), to)  # noqa: E731
            else:
                self.socket.settimeout(0.1)
                try:
                    self.kept.append(self.socket.accept()[0])
                except OSError:
                    pass
                octets = b""
                for c in self.kept:
                    c.settimeout(0.1)
                    try:
                        octets = c.recv(65536)
                    except OSError:
                        continue
                    if octets:
                        answer = lambda o, to=c: to.sendall(o.encode())  # noqa: E731
                        self.used.add(c)
                        break
            start = octets.find(b"INVITE sip:")  # behind the ACK of the call before, perhaps
            if start == 0 or octets[start - 1:start] == b"\n":
                m = sip.Message(octets[start:])
                fields = [f"Via: {v}" for v in m.all("via")] + [
                    f"From: {m.get('from')}", f"To: {m.get('to')};tag=x", f"Call-ID: {m.get('call-id')}",
                    f"CSeq: {m.get('cseq')}", "Content-Length: 0"]
                answer("SIP/2.0 486 Busy Here\r\n" + "\r\n".join(fields) + "\r\n\r\n")
                return m
        return None


def closed_port():
    s = socket.socket()
    s.bind(("127.0.0.1", 0))
    port = s.getsockname()[1]
    s.close()
    return port


zone = Zone()
udp, tcp, second = Listener("udp"), Listener("tcp"), Listener("tcp")
zone.address("phone.test", "127.0.0.1")
zone.address("two.test", "127.0.0.3", "127.0.0.1")
zone.srv("_sip._tcp.office.test", (10, closed_port(), "phone.test"), (20, second.port, "phone.test"))
zone.records["office.test", A] = []
zone.srv("_sip._udp.desk.test", (10, udp.port, "phone.test"))
zone.records["desk.test", A] = []
zone.address("edge.test", "127.0.0.1")

# contact, Path, who gets the INVITE ("source": the socket of the REGISTER), what the caller hears, what it shows
CASES = [
    (f"sip:204@127.0.0.1:{tcp.port};transport=tcp", None, tcp, 486, "registered by UDP, the contact names TCP"),
    (f"sip:204@phone.test:{udp.port}", None, udp, 486, "a host name with a port: its address"),
    (f"sip:204@phone.test:{tcp.port};transport=tcp", None, tcp, 486, "a host name, by TCP"),
    ("sip:204@desk.test", None, udp, 486, "a domain: SRV of UDP gives host and port"),
    ("sip:204@office.test;transport=tcp", None, second, 486, "the first SRV target refuses, the second is called"),
    (f"sip:204@two.test:{tcp.port};transport=tcp", None, tcp, 486, "the first address of a host refuses, the second answers"),
    ("sip:204@my-desk.nowhere.test", None, "source", 486, "a name that only the phone's network knows: the source"),
    ("sip:204@192.0.2.44:5060", None, "source", 486, "an address behind NAT: the source"),
    (f"sip:204@127.0.0.1:{closed_port()};transport=tcp", None, None, 480, "nobody listens at the contact: 480"),
    (f"sip:204@phone.test:{closed_port()};transport=tcp", None, None, 480, "no target of a name can be connected: 480"),
    (f"sip:204@phone.test:{tcp.port};transport=tls", None, None, 480, "a TLS phone is not connected to: 480"),
    ("sip:204@192.0.2.44:5060", f"<sip:127.0.0.1:{udp.port};lr>", udp, 486, "GEN-12 a Path with an address"),
    ("sip:204@192.0.2.44:5060", f"<sip:edge.test:{tcp.port};transport=tcp;lr>", tcp, 486, "GEN-12 a Path with a name"),
]

with Daemon(users=USERS, srtp=OPTIONAL, workers=2, more="security {\n    strict-keys off\n}\n",
            sip=f"dns-servers 127.0.0.1:{zone.port}") as daemon:
    caller = sip.Endpoint("udp", daemon.ports["udp"])
    reply = caller.register("203", USERS["203"], DOMAIN)
    tap.ok(reply is not None and reply.status == 200, "the caller registers")
    for contact, path, where, status, what in CASES:
        phone = sip.Endpoint("udp", daemon.ports["udp"])
        extra = ["Supported: path", f"Path: {path}"] if path else []
        reply = phone.register("204", USERS["204"], DOMAIN, contact=f"<{contact}>", extra=extra)
        if reply is None or reply.status != 200:
            tap.ok(False, f"{what}: registered", reply and reply.text)
            continue
        got = {}

        def ring():
            if where == "source":
                got["invite"] = phone.wait(lambda m: m.method == "INVITE", 12)
                if got["invite"] is not None:
                    phone.reply(got["invite"], 486, "Busy Here", "x")
            elif where is not None:
                got["invite"] = where.next_invite(12)

        ringing = threading.Thread(target=ring)
        ringing.start()
        last = None
        for last in sip.call(caller, "203", USERS["203"], DOMAIN, "204", sip.sdp("127.0.0.1", 40000), timeout=15):
            pass
        ringing.join(15)
        tap.ok(last is not None and last.status == status and (where is None or got.get("invite") is not None),
               what, f"the caller got {last and last.start}; the INVITE: {got.get('invite') and got['invite'].start}")
        invite = got.get("invite")
        if invite is not None:
            tap.ok(invite.start == f"INVITE {contact} SIP/2.0" and invite.all("route") == ([path] if path else []),
                   f"{what}: Request-URI and Route", invite.text)
        phone.register("204", USERS["204"], DOMAIN, contact=f"<{contact}>", extra=extra, expires=0)
        phone.close()
    tap.ok(len(tcp.used) <= 2, "one connection to a peer serves all calls of one of the two workers to it",
           f"{len(tcp.used)} connections for 4 calls")
    tap.ok(("_sip._tcp.office.test", SRV) in zone.asked, "the daemon asks the servers of sip.dns-servers", zone.asked)
tap.done()
