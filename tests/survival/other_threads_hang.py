#!/usr/bin/env python3
"""The threads beside the workers, of HTTP and of certificates, hang: it is said (RF-812), status and doctor show it,
calls and registrations go on, nothing is started anew; and when they turn again that is said, too.

# sanitizers: address
"""
import time

import pebble
import sip
import tap
from calls import PlainCall
from daemon import DOMAIN, Daemon
from freeze import let_go, stop_thread, thread_named

USERS = {"203": "salt-river-08", "204": "moss-wheel-55"}
THREADS = ("web", "slow")
http = pebble.free_port()


def shown(daemon):
    return {t["name"]: t for t in daemon.cli("status", json_out=True)[0]["threads"]}


def doctors(daemon):
    return [r for r in daemon.cli("doctor", json_out=True) if r["check"] == "thread"]


with Daemon(workers=1, users=USERS, srtp={u: "off" for u in USERS},
            more=f"web {{\n    listen http:127.0.0.1:{http}\n}}\n") as daemon:
    signal = daemon.children()["signal"]
    tap.equal({n: t["turns"] for n, t in shown(daemon).items()}, {n: True for n in THREADS}, "status: both turn")
    tap.equal([r["verdict"] for r in doctors(daemon)], ["ok", "ok"], "doctor: both are fine")
    call = PlainCall(daemon, "tcp", passwords=USERS)
    call.establish()
    tids = [thread_named(signal, f"rf-{n}") for n in THREADS]
    tap.ok(all(tids), "the two threads are found", tids)
    began = time.time()
    for tid in tids:
        stop_thread(tid)
    for name in THREADS:
        e = daemon.wait_event("refused", 25, code="RF-812", thread=name)
        tap.ok(e is not None and e["seconds"] >= 15 and e["fix"],
               f"RF-812 says that {name} hangs, and what does not happen", daemon.log_text()[-1500:])
    tap.ok(14 < time.time() - began < 25, f"after {time.time() - began:.0f} s")
    tap.ok(all(not t["turns"] and t["silent_s"] >= 15 for t in shown(daemon).values()), "status shows both",
           shown(daemon))
    tap.ok("RF-812" in daemon.cli("status")[1], "and so does what a person reads")
    status, out, _ = daemon.cli("doctor")
    tap.ok(status == 5 and [r["verdict"] for r in doctors(daemon)] == ["FAIL", "FAIL"] and "RF-812" in out,
           "doctor finds them", out)
    time.sleep(3)
    lines = [e for e in daemon.events() if e.get("code") == "RF-812"]
    tap.equal(len(lines), 2, "a line each, not one a second")
    before = len(call.media_a.received), len(call.media_b.received)
    phone = sip.Endpoint("tcp", daemon.ports["tcp"])
    tap.equal(phone.register("203", USERS["203"], DOMAIN).status, 200, "phones register meanwhile")
    time.sleep(1)
    after = len(call.media_a.received), len(call.media_b.received)
    tap.ok(after[0] - before[0] > 30 and after[1] - before[1] > 30 and daemon.children()["signal"] == signal,
           "the call goes on, nothing was started anew", (before, after))
    for tid in tids:
        let_go(tid)
    for name in THREADS:
        tap.ok(daemon.wait_event("thread.turns", 10, thread=name) is not None, f"{name} turns again, and that is said")
    tap.ok(all(t["turns"] for t in shown(daemon).values()), "status shows that, too", shown(daemon))
    phone.close()
    call.close()
tap.done()
