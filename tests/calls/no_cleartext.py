#!/usr/bin/env python3
"""With srtp required no packet leaves in clear: early media, hold and resume, death of the media process.

Both phones keep every datagram that reaches them and judge it twice: it must authenticate as SRTP or SRTCP under
the negotiated key, and its octets, read as sound, must not hold the tone that the other side speaks. The same
judges find every packet of a call without SRTP, so they can see.

# sanitizers: address thread
# runs alone
"""
import concurrent.futures
import json
import os
import signal
import subprocess
import time

import tap
from daemon import BUILD, DOMAIN, PASSWORDS, Daemon

PHONE = os.path.join(BUILD, "rf-phone")


def phone(daemon, user, tone, expect, srtp, *more):
    """Start a phone over TLS; its result is one JSON object on standard output."""
    host, port = daemon.ports["tls"]
    words = [PHONE, "--user", user, "--password", PASSWORDS[user], "--domain", DOMAIN, "--server", f"{host}:{port}",
             "--transport", "tls", "--trust", os.path.join(daemon.state, "ca", "ca.pem"), "--server-name", DOMAIN,
             "--srtp", srtp, "--tone", str(tone), "--expect", str(expect), *more]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_word(process, word):
    for line in process.stderr:
        if line.strip() == word:
            return True
    return False


def kill_media(daemon):
    old = daemon.children()["media"]
    os.kill(old, signal.SIGKILL)
    deadline = time.time() + 15
    while time.time() < deadline and daemon.children().get("media") in (None, old):
        time.sleep(0.02)
    return daemon.children().get("media") not in (None, old)


def result(process):
    out, _ = process.communicate(timeout=60)
    return json.loads(out)


def place(daemon, srtp, kill, *caller_words):
    """201 calls 202, which sends early media for 1 s; then hold and resume in the middle of 6 s."""
    callee = phone(daemon, "202", 620, 440, srtp, "--answer", "--ring", "183", "--answer-after", "1", "--seconds", "6")
    assert wait_word(callee, "registered"), "the callee could not register"
    caller = phone(daemon, "201", 440, 620, srtp, "--call", "202", "--seconds", "6", "--hold", *caller_words)
    assert wait_word(caller, "up"), "the call was not answered"
    killed = False
    if kill:
        time.sleep(1.5)
        killed = kill_media(daemon)
    return result(caller), result(callee), killed


# A call at each of two daemons at one time: they take 8 s.
with Daemon(workers=2, threads=2, srtp={"201": "required", "202": "required"}) as daemon, \
        Daemon(srtp={"201": "off", "202": "off"}) as plain, concurrent.futures.ThreadPoolExecutor() as pool:
    in_clear = pool.submit(place, plain, "off", False)
    caller, callee, killed = place(daemon, "required", True, "--clear", "5", "--forge", "3")
    record = daemon.cli("call", "show", "last", json_out=True)[0]
    tap.ok(killed, "the media process was killed in the middle of the call, and another took over")
    for name, ear in (("201", caller), ("202", callee)):
        m = ear["call"]["media"]
        tap.ok(m["rx_suite"] and m["tx_suite"], f"{name} uses {m['rx_suite']}")
        # 1 s of early media, 6 s of talk, less what a hold and the death of media cost.
        tap.ok(m["received"] > 220, f"{name} was sent {m['received']} RTP datagrams")
        tap.equal(m["authentic"], m["received"], f"{name}: every one of them authenticates under the negotiated key")
        tap.equal((m["clear"], m["auth_failed"], m["malformed"], m["replayed"]), (0, 0, 0, 0),
                  f"{name}: none in clear, broken or twice")
        tap.equal(m["clear_datagrams"], 0, f"{name}: in none of them the other's tone can be heard")
        tap.ok(m["rtcp_received"] > 0 and m["rtcp_refused"] == 0,
               f"{name}: {m['rtcp_received']} RTCP datagrams, each authenticates")
        tap.ok(abs(m["hz"] - (620 if name == "201" else 440)) < 7, f"{name} hears the right tone at the end", m["hz"])
    tap.ok(caller["call"]["media"]["early"] > 20, f"{caller['call']['media']['early']} of them came before the answer")
    tap.equal(caller["call"]["reinvite_status"], 200, "hold and resume were answered")
    tap.equal(callee["call"]["reinvites"], 2, "and reached the other phone")
    legs = {leg["user"]: leg["media"] for leg in record["legs"]}
    tap.equal(legs["201"]["in"]["refused"], 5 + 3, "what 201 sent in clear (5) and forged (3) was refused")
    tap.equal([legs[u]["out"]["clear"] for u in ("201", "202")], [0, 0], "the daemon counts none that left in clear")
    tap.equal(record["verdict_min"], "ENCRYPTED", "its verdict")

    # The same judges on a call without SRTP: they must find what there is to find.
    caller, callee, _ = in_clear.result()
    record = plain.cli("call", "show", "last", json_out=True)[0]
    for name, ear in (("201", caller), ("202", callee)):
        m = ear["call"]["media"]
        tap.ok(m["received"] > 220 and m["authentic"] == 0 and m["clear"] == m["received"],
               f"without SRTP {name} is found to be sent {m['clear']} packets in clear", m)
        tap.ok(m["clear_datagrams"] > m["received"] * 0.9, f"and the tone is heard in {m['clear_datagrams']} of them", m)
    tap.equal(record["verdict_min"], "CLEAR", "and the daemon's verdict is CLEAR")
tap.done()
