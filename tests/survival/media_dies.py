#!/usr/bin/env python3
"""kill -9 of media while a call is up: at most 15 packets of a stream are lost, the ports stay the same.

(That keys, rollover counters and indices go on is proved by relay's own tests, which can read them.)

# sanitizers: address
# runs alone
"""
import os
import signal
import time

import tap
from calls import PlainCall
from daemon import Daemon

# Packets of a stream that may be lost at a kill. A build with a sanitizer starts three times as slowly.
LOST_MAX = 15 if os.environ.get("RF_VARIANT", "plain") == "plain" else 45
USERS = {"203": "salt-river-08", "204": "moss-wheel-55"}

with Daemon(users=USERS, srtp={"203": "optional", "204": "optional"}, workers=1, threads=2) as daemon:
    call = PlainCall(daemon, "udp", passwords=USERS)
    call.establish()
    time.sleep(2)
    for n in range(3):
        before = daemon.children()
        os.kill(before["media"], signal.SIGKILL)
        deadline = time.time() + 15
        while time.time() < deadline and daemon.children().get("media") in (None, before["media"]):
            time.sleep(0.02)
        after = daemon.children()
        tap.ok(after.get("media") not in (None, before["media"]), f"a new media process runs ({n + 1})")
        tap.equal(after.get("signal"), before["signal"], "the signal process is the same")
        time.sleep(2)
    call.media_a.stop()
    call.media_b.stop()
    for name, media in (("203", call.media_a), ("204", call.media_b)):
        gap = max((b - a for a, b in zip(media.received, media.received[1:])), default=0)
        tap.ok(media.lost() is not None and media.lost() <= 3 * LOST_MAX and len(media.received) > 300,
               f"{name} lost {media.lost()} of {len(media.received)} packets in three kills")
        tap.ok(0 < gap <= LOST_MAX + 1, f"no gap of {name} is above {LOST_MAX} packets ({gap - 1} at most)")
        tap.ok(time.monotonic() - media.times[-1] < 3, f"{name} hears the other side to the end")
    call.a_dialog.request("BYE")
    reply = call.a.wait(lambda m: m.status and "BYE" in m.get("cseq"), 10)
    tap.ok(reply is not None and reply.status == 200, "the call ends as usual")
    call.close()
tap.done()
