#!/usr/bin/env python3
"""A scanner tries everything at the TLS listeners of SIP and of the web: one line a minute of each kind, every failure
is counted, and another device that fails meanwhile is still told of.

# sanitizers: address
"""
import collections
import socket
import ssl

import pebble
import tap
from daemon import Daemon
from pki import Shake

TRIES = 60
HELLO_OF_NOBODY = bytes.fromhex("16030100050100000101")  # a ClientHello that ends before its version
https = pebble.free_port()


def attempt(at, source, suite):
    """A hello with this one suite of TLS 1.2, from this address: False, it failed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(suite + ":@SECLEVEL=0")
    try:
        with socket.create_connection(at, 10, source_address=(source, 0)) as plain:
            with context.wrap_socket(plain):
                return True
    except OSError:
        return False


def noise(at, source):
    with socket.create_connection(at, 10, source_address=(source, 0)) as s:
        s.sendall(HELLO_OF_NOBODY)
        s.settimeout(5)
        try:
            while s.recv(4096):
                pass
        except OSError:
            pass


def refused(daemon, **fields):
    return [e for e in daemon.events() if e.get("event") == "refused" and
            all(e.get(k) == v for k, v in fields.items())]


def count(daemon, code):
    return daemon.cli("status", json_out=True)[0]["refused"].get(code, 0)


with Daemon(listen="tls:127.0.0.1:0", workers=2, sip="cipher-suite-level intermediate",
            more=f"web {{\n    listen https:127.0.0.1:{https}\n    cipher-suite-level intermediate\n}}\n"
                 "security {\n    handshakes-per-source 100000\n}\n") as daemon:
    sips = daemon.ports["tls"]
    for at, listener in ((sips, "sip-phones"), (("127.0.0.1", https), "https")):
        before = count(daemon, "RF-102")
        good = sum(attempt(at, "127.0.0.21", "AES256-SHA") for _ in range(TRIES))
        tap.equal(good, 0, f"{listener}: {TRIES} hellos with a suite that is not taken fail")
        pebble.wait_for(lambda: count(daemon, "RF-102") - before >= TRIES, 5)  # ours comes behind the alert
        lines = refused(daemon, code="RF-102", listener=listener)
        tap.equal(len(lines), 1, f"{listener}: they are one line")
        tap.ok(lines and "127.0.0.21" in lines[0]["msg"] + str(lines[0].get("peer")),
               f"{listener}: which names the source", lines)
        tap.equal(count(daemon, "RF-102") - before, TRIES, f"{listener}: and all are counted")
        attempt(at, "127.0.0.22", "AES256-SHA")
        pebble.wait_for(lambda: len(refused(daemon, code="RF-102", listener=listener)) > 1, 5)
        tap.equal(len(refused(daemon, code="RF-102", listener=listener)), 2,
                  f"{listener}: another device has a line of its own")
        kinds = collections.Counter((e["code"], e.get("reason")) for e in refused(daemon, listener=listener))
        for _ in range(TRIES):
            noise(at, "127.0.0.21")
        pebble.wait_for(lambda: len(refused(daemon, listener=listener)) > sum(kinds.values()), 5)
        more = collections.Counter((e["code"], e.get("reason")) for e in refused(daemon, listener=listener)) - kinds
        tap.ok(more and all(n == 1 for n in more.values()), f"{listener}: noise is a line of its kind", more)
    tap.ok(Shake(sips).ok, "and a handshake that is right is taken all the while")
tap.done()
