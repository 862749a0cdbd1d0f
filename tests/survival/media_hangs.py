#!/usr/bin/env python3
"""A media thread that stands still is found out, and media starts anew with the calls it had.

The process lives meanwhile, its other threads run, its talk with the parent goes on.

# sanitizers: address
"""
import os
import time

import tap
from calls import PlainCall
from daemon import Daemon
from freeze import see_end_of, stop_thread

USERS = {"203": "salt-river-08", "204": "moss-wheel-55"}

def threads_of(pid):
    """The relay's threads: the process's first one, and those that are numbered."""
    names = {int(t): open(f"/proc/{pid}/task/{t}/comm").read().strip() for t in os.listdir(f"/proc/{pid}/task")}
    return [pid, *sorted(t for t, name in names.items() if name.startswith("rf-media-"))]


with Daemon(workers=1, threads=2, users=USERS, srtp={u: "off" for u in USERS}) as daemon:
    media = daemon.children()["media"]
    call = PlainCall(daemon, "tcp", "203", "204", USERS)
    call.establish()
    time.sleep(2)
    tap.ok(len(call.media_a.received) > 50 and len(call.media_b.received) > 50, "a call is up, both hear each other")
    time.sleep(7)
    tap.equal(daemon.children()["media"], media, "threads that turn are left alone")

    hanging = threads_of(media)  # whichever has the call
    for tid in hanging:
        stop_thread(tid)
    mark = time.time()
    event = daemon.wait_event("media.thread_hangs", 20)
    took = time.time() - mark
    tap.ok(event is not None and event["seconds"] >= 5, f"it is told after {took:.0f} s, with the thread", event)
    see_end_of(hanging)
    died = daemon.wait_event("child.ended", 10, child="media")
    tap.ok(died is not None and died["pid"] == media, "media ends by itself", died)
    again = daemon.wait_event("daemon.whole", 20)
    tap.ok(again is not None and daemon.children().get("media") not in (None, media), "and another one is started")
    before = len(call.media_a.received), len(call.media_b.received)
    time.sleep(1.5)
    after = len(call.media_a.received), len(call.media_b.received)
    tap.ok(after[0] - before[0] > 40 and after[1] - before[1] > 40, "the call goes on with it", (before, after))
    tap.equal([c["state"] for c in daemon.cli("calls", json_out=True)], ["up"], "signal has not noticed")

    # One of two idle threads is enough.
    call.a_dialog.request("BYE")
    call.b.wait(lambda m: m.method == "BYE", 5)
    call.close()
    time.sleep(6)
    media = daemon.children()["media"]
    daemon.mark = os.path.getsize(daemon.err_path)
    hanging = threads_of(media)[-1:]
    stop_thread(hanging[0])
    event = daemon.wait_event("media.thread_hangs", 20)
    see_end_of(hanging)
    tap.ok(event is not None and event["thread"] == 1, "an idle thread that hangs is found as well, by its number", event)
    tap.ok(daemon.wait_event("daemon.whole", 20) is not None, "and media starts anew")
tap.done()
