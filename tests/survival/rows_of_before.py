#!/usr/bin/env python3
"""Calls that a process of another version saved, and rows that are damaged: said once each, dropped, and never met again by the
processes that follow; the daemon serves (TEL-29 raised the version of what is saved).

# sanitizers: address
"""
import os
import sqlite3
import struct
import time

import sip
import tap
from daemon import DOMAIN, Daemon

BEFORE, OLD, CUT, HUGE = "0123456789abcdef", 7, 8, 60000


def rows(state):
    with sqlite3.connect(os.path.join(state, "ringfence.db"), timeout=10) as db:
        return [bytes(key).decode() for (key,) in db.execute("SELECT call_id FROM dialog")]


def not_restored(daemon):
    return [e.get("call") for e in daemon.events() if e.get("event") == "call.not_restored"]


def until(seconds, true):
    end = time.time() + seconds
    while time.time() < end and not true():
        time.sleep(0.1)
    return true()


with Daemon(users={"201": "tidal-copper-41"}, workers=2) as daemon:
    daemon.stop()
    damaged = {
        BEFORE: struct.pack(">I", OLD) + os.urandom(400),      # of the version before
        "1123456789abcdef": struct.pack(">I", CUT),            # of ours, cut off
        "2123456789abcdef": b"",                               # nothing
        "3123456789abcdef": struct.pack(">I", CUT) + bytes(HUGE) * 2,  # more than a letter between threads takes
    }
    with sqlite3.connect(os.path.join(daemon.state, "ringfence.db")) as db:
        db.executemany("INSERT INTO dialog(call_id, value) VALUES(?, ?)", [(k.encode(), v) for k, v in damaged.items()])
    tap.equal(sorted(rows(daemon.state)), sorted(damaged), "rows that no process of this version wrote")
    daemon.start()
    tap.ok(until(10, lambda: len(not_restored(daemon)) >= len(damaged)), "each is said, with its call", daemon.log_text()[-2000:])
    tap.equal(sorted(not_restored(daemon)), sorted(damaged), "once")
    tap.ok(until(10, lambda: not rows(daemon.state)), "and dropped", rows(daemon.state))
    daemon.kill()
    daemon.start()
    end = sip.Endpoint("udp", daemon.ports["udp"], timeout=5)
    reply = end.register("201", "tidal-copper-41", DOMAIN)
    tap.ok(reply is not None and reply.status == 200, "the next process serves", reply and reply.start)
    end.close()
    tap.equal(len(not_restored(daemon)), 0, "and has nothing to say of them")
tap.done()
