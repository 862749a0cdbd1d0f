#!/usr/bin/env python3
"""What a stream may bring: slow writers, lies about length, floods of CRLF, plain SIP on the TLS port, TLS on the plain
one, old TLS, half-open handshakes, too many connections. The daemon answers or closes, and serves others.

# sanitizers: address
"""
import os
import socket
import ssl
import subprocess
import time

import sip
import tap
from daemon import DOMAIN, Daemon

USERS = {"203": "salt-river-08"}
LIMITS = "sip {\n    connections-per-source 60\n}\nsecurity {\n    exempt-loopback off\n}\n"


def raw(address):
    s = socket.create_connection(address, 5)
    s.settimeout(5)
    return s


def rest(s, seconds=5):
    """All that comes until the end (True) or until nothing comes any more."""
    got, deadline = b"", time.time() + seconds
    while time.time() < deadline:
        s.settimeout(max(deadline - time.time(), 0.01))
        try:
            more = s.recv(65536)
        except TimeoutError:
            return got, False
        except OSError:
            return got, True
        if not more:
            return got, True
        got += more
    return got, False


def options(extra="", body="", length=None):
    n = len(body) if length is None else length
    return (f"OPTIONS sip:{DOMAIN} SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bK{sip.token()}\r\n"
            f"From: <sip:a@{DOMAIN}>;tag=1\r\nTo: <sip:{DOMAIN}>\r\nCall-ID: {sip.token()}\r\nCSeq: 1 OPTIONS\r\n"
            f"Max-Forwards: 70\r\n{extra}Content-Length: {n}\r\n\r\n{body}").encode()


def rss(daemon):
    with open(f"/proc/{daemon.children()['signal']}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))


with Daemon(users=USERS, srtp={"203": "off"}, more=LIMITS) as daemon:
    tcp, tls = daemon.ports["tcp"], daemon.ports["tls"]
    before = rss(daemon)

    def alive(what):
        e = sip.Endpoint("udp", daemon.ports["udp"], timeout=3)
        reply = e.register("203", USERS["203"], DOMAIN)
        e.close()
        tap.ok(reply is not None and reply.status == 200, f"{what}: others are served", reply and reply.start)

    s = raw(tcp)
    for octet in options():
        s.send(bytes([octet]))
        time.sleep(0.001)
    got, _ = rest(s, 1)
    tap.ok(got.startswith(b"SIP/2.0 200"), "a request that comes octet by octet is answered", got)
    s.close()

    s = raw(tcp)
    s.sendall(options() * 200)
    got, _ = rest(s, 2)
    tap.ok(got.count(b"SIP/2.0 200") == 200, "200 requests in one write get 200 answers", got.count(b"SIP/2.0 200"))
    s.close()

    s = raw(tcp)
    s.sendall(b"\r\n" * 10000 + options())
    got, _ = rest(s, 2)
    tap.ok(b"SIP/2.0 200" in got, "10,000 CRLF are skipped, and the request behind them is answered", got[-200:])
    s.close()
    s = raw(tcp)
    s.sendall(b"\r\n\r\n")
    got, _ = rest(s, 1)
    tap.equal(got, b"\r\n", "two CRLF are a ping and get a pong (RFC 5626)")
    s.close()

    for length, what in ((4294967296, "2^32"), (99999999999999999999999, "10^23"), (1 << 30, "1 GB"), (70000, "70,000")):
        s = raw(tcp)
        s.sendall(options(length=length))
        got, closed = rest(s)
        tap.ok(closed and got.startswith((b"SIP/2.0 413", b"SIP/2.0 513", b"SIP/2.0 400")),
               f"Content-Length {what}: an answer, then the end", (got[:80], closed))
        s.close()
    s = raw(tcp)
    s.sendall(options(extra="Content-Length: 30\r\n", body="abc"))
    got, closed = rest(s)
    tap.ok(got.startswith(b"SIP/2.0 400") and closed, "two Content-Lengths that differ: 400 and the end", (got[:80], closed))
    s = raw(tcp)
    s.sendall(options(length=-5))
    got, closed = rest(s)
    tap.ok(got.startswith(b"SIP/2.0 400") and closed, "a negative one: 400 and the end", (got[:80], closed))

    s = raw(tcp)
    try:
        s.sendall(options(extra="X: " + "y" * 64000 + "\r\n"))
    except OSError:
        pass
    got, closed = rest(s)
    tap.ok(got.startswith((b"SIP/2.0 200", b"SIP/2.0 513", b"SIP/2.0 400", b"SIP/2.0 413")), "a request of 64 kB is answered",
           got[:80])
    s = raw(tcp)
    try:
        for _ in range(400):
            s.sendall(b"X: " + b"y" * 1000 + b"\r\n")
    except OSError:
        pass
    got, closed = rest(s)
    tap.ok(closed, "400 kB of headers without an end: the connection is ended", (got[:80], closed))
    for garbage, what in ((os.urandom(4096), "random octets"), (b"\0" * 5000, "NULs"),
                          (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP"), (b"\xff\xfe" * 3000, "no text")):
        s = raw(tcp)
        try:
            s.sendall(garbage)
            s.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        got, closed = rest(s)
        tap.ok(closed, f"{what} on the TCP port: the connection is ended", (got[:80], closed))
        s.close()
    alive("after broken streams")

    # --- UDP ---
    u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for octets in (b"", b"\0", b"\r\n\r\n", os.urandom(1400), b"A" * 65507, options(extra="X: " + "y" * 60000 + "\r\n"),
                   b"OPTIONS", b"SIP/2.0 200 OK\r\n\r\n"):
        u.sendto(octets, daemon.ports["udp"])
    alive("after broken datagrams")
    u.close()

    # --- TLS ---
    s = raw(tls)
    s.sendall(options())
    got, closed = rest(s)
    tap.ok(got.startswith(b"SIP/2.0 403") and closed, "plain SIP on the TLS port: 403 in clear, and the end",
           (got[:80], closed))
    tap.ok(daemon.wait_event("refused", 3, code="RF-106") is not None, "the log has RF-106")
    s = raw(tls)
    s.sendall(os.urandom(2000))
    got, closed = rest(s)
    tap.ok(closed, "garbage on the TLS port: the connection is ended", (got[:80], closed))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        context.wrap_socket(raw(tcp)).close()
        said = "worked"
    except OSError as e:
        said = e
    tap.ok(said != "worked" and daemon.wait_event("refused", 3, code="RF-107") is not None,
           "TLS on the plain port: closed, and the log has RF-107", said)
    p = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{tls[1]}", "-tls1_1", "-cipher",
                        "DEFAULT@SECLEVEL=0"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=10)
    tap.ok("alert protocol version" in p.stderr, "a client that has TLS 1.1 at most is refused", p.stderr)
    event = daemon.wait_event("refused", 3, code="RF-101")
    tap.ok(event is not None and "1.1" in event["msg"] and "1.2" in event["msg"], "the log has RF-101 with both versions",
           event)
    half = []
    hello = bytes.fromhex("1603010200010001fc0303") + os.urandom(32)
    for n in range(50):
        s = raw(tls)
        if n % 2:
            s.sendall(hello)
        half.append(s)
    e = sip.Endpoint("tls", tls, source=("127.0.0.3", 0))
    reply = e.register("203", USERS["203"], DOMAIN)
    tap.ok(reply is not None and reply.status == 200, "50 half-open handshakes keep nobody out", reply and reply.start)
    e.close()
    more = [raw(tcp) for _ in range(30)]
    ended = 0
    for s in more:
        got, closed = rest(s, 0.05)
        ended += closed
    tap.ok(ended >= 15, "connections of one source above its limit are closed", ended)
    other = sip.Endpoint("tcp", tcp, source=("127.0.0.2", 0))
    reply = other.register("203", USERS["203"], DOMAIN)
    tap.ok(reply is not None and reply.status == 200, "another source connects", reply and reply.start)
    for s in half + more:
        s.close()
    time.sleep(0.5)
    status = daemon.cli("status", json_out=True)[0]
    tap.equal(status["connections"], 1, "all the rest are gone")
    other.close()
    if os.environ.get("RF_VARIANT", "plain") == "plain":
        tap.ok(rss(daemon) - before < 20000, "no memory was left behind", f"{before} -> {rss(daemon)} kB")
    tap.ok(daemon.wait_event("child.ended", 0) is None, "no process died")
tap.done()
