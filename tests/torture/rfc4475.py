#!/usr/bin/env python3
"""RFC 4475 over real sockets: every message of tests/data/sip-torture gets a listed outcome, by UDP and by TCP.

# sanitizers: address thread
"""
import json
import os
import re
import socket
import time

import sip
import tap
from daemon import DOMAIN, Daemon

DATA = os.path.join(tap.ROOT, "tests", "data", "sip-torture")
EXPECTED = json.load(open(os.path.join(DATA, "expected.json")))
# "process" is normal handling: anything but the answers that say "this is not SIP" or "I am broken".
NOT_PROCESSED = {400, 500, 501, 503, 505, 513, 416}


def is_response(octets):
    return octets.startswith(b"SIP/2.0 ")


def accepted(want, got, response):
    """Is this final status (None: no answer) among the outcomes listed?"""
    for outcome in want:
        if outcome == got:
            return True
        if outcome == "process" and ((response and got is None) or (got is not None and got not in NOT_PROCESSED)):
            return True
        if outcome == "drop" and got is None:
            return True
    # Requests that need it may be challenged before anything else is looked at, once they are known to be SIP.
    return got in (401, 407) and 400 not in want and 505 not in want


def final(messages):
    return next((m.status for m in messages if m.status and m.status >= 200), None)


def listeners(octets):
    """Where answers go by the rules of Via: the source address, and the port of the top Via (5060 when none)."""
    m = re.search(rb"(?:^|\n)(?:Via|v|VIA|via|vIa|V)\s*:\s*(?:SIP\s*/\s*2\.0\s*/\s*\w+\s+)([^;,\r\n]+)", octets)
    port = 5060
    if m and (p := re.search(rb":\s*(\d+)\s*$", m.group(1).strip())):
        port = int(p.group(1))
    return port if 1024 <= port < 65536 else 5060


def by_udp(server, octets, n):
    source = f"127.0.1.{n % 250 + 1}"
    end = sip.Endpoint("udp", server, source=(source, listeners(octets)))
    end.send(octets)
    got = []
    deadline = time.time() + (0.6 if is_response(octets) else 3)
    while time.time() < deadline:
        m = end.receive(max(deadline - time.time(), 0.01))
        if m is None:
            break
        got.append(m)
        if m.status and m.status >= 200:
            deadline = min(deadline, time.time() + 0.15)
    end.close()
    return got


def by_tcp(server, octets, stream):
    """The messages that came, and, where it is asked for, whether the connection was closed within a second."""
    end = sip.Endpoint("tcp", server)
    end.send(octets)
    got = []
    deadline = time.time() + (0.6 if is_response(octets) or stream == "wait" else 3)
    wanted = 2 if stream == "two messages" else 1
    while time.time() < deadline:
        m = end.receive(max(deadline - time.time(), 0.01))
        if m is None:
            break
        got.append(m)
        if sum(1 for x in got if x.status and x.status >= 200) >= wanted:
            break
    closed = None
    if stream in ("wait", "close"):
        end.socket.settimeout(1)
        try:
            closed = end.socket.recv(1) == b""
        except (TimeoutError, socket.timeout):
            closed = False
        except OSError:
            closed = True
    end.close()
    return got, closed


def alive(daemon, what):
    end = sip.Endpoint("udp", daemon.ports["udp"])
    call_id = sip.token()
    end.send(end.request("OPTIONS", f"sip:{DOMAIN}", [f"From: <sip:t@{DOMAIN}>;tag=1", f"To: <sip:{DOMAIN}>",
                                                      f"Call-ID: {call_id}", "CSeq: 1 OPTIONS"]))
    m = end.wait(lambda m: m.status == 200 and m.get("call-id") == call_id, 5)
    end.close()
    return tap.ok(m is not None, f"the daemon serves after {what}")


with Daemon(workers=2) as daemon:
    for n, name in enumerate(sorted(EXPECTED)):
        want = EXPECTED[name]
        octets = open(os.path.join(DATA, name), "rb").read()
        response = is_response(octets)
        got = by_udp(daemon.ports["udp"], octets, n)
        tap.ok(accepted(want["uas"], final(got), response),
               f"{name} by UDP: {final(got) or 'no answer'} ({want['why']})", f"want {want['uas']}")
        if name == "bext01.sip" and final(got) == 420:
            unsupported = ",".join(v for m in got for v in m.all("unsupported"))
            tap.ok(all(x in unsupported for x in want["fields"]["unsupported_uas"]),
                   "bext01.sip: Unsupported names the options of Require", unsupported)
        got, closed = by_tcp(daemon.ports["tcp"], octets, want["stream"])
        if want["stream"] == "wait":
            tap.ok(final(got) is None and not closed, f"{name} by TCP: waits for the octets that were promised",
                   f"{final(got)} closed={closed}")
        elif want["stream"] == "close":
            tap.ok(final(got) in (400, None) and closed, f"{name} by TCP: {final(got)}, then closed",
                   f"{final(got)} closed={closed}")
        else:
            tap.ok(accepted(want["uas"], final(got), response), f"{name} by TCP: {final(got) or 'no answer'}",
                   f"want {want['uas']}")
        if want["stream"] == "two messages":
            tap.ok(sum(1 for m in got if m.status and m.status >= 200) == 2,
                   f"{name} by TCP: both messages of the stream are answered", [m.start for m in got])
    alive(daemon, "all torture messages")
    tap.ok(daemon.stop(), "the daemon stops by itself, with nothing for the sanitizer to report",
           daemon.log_text()[-3000:])
tap.done()
