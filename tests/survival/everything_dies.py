#!/usr/bin/env python3
"""kill -9 of all processes during 1000 REGISTERs: every one that got 200 is there after the next start.

# sanitizers: none
# runs alone
"""
import random
import threading
import time

import sip
import tap
from daemon import DOMAIN, Daemon

USERS = {f"u{i}": f"pw-{i}" for i in range(1000)}

with Daemon(users=USERS, workers=2) as daemon:
    acknowledged, lock = set(), threading.Lock()

    def work(names):
        end = sip.Endpoint("udp", daemon.ports["udp"], timeout=2)
        for name in names:
            try:
                reply = end.register(name, USERS[name], DOMAIN, timeout=2)
            except OSError:
                return
            if reply is None:
                return
            if reply.status == 200:
                with lock:
                    acknowledged.add(name)
        end.close()

    names = list(USERS)
    random.shuffle(names)
    threads = [threading.Thread(target=work, args=(names[i::8],)) for i in range(8)]
    for t in threads:
        t.start()
    while len(acknowledged) < 300 and any(t.is_alive() for t in threads):
        time.sleep(0.005)
    daemon.kill()
    for t in threads:
        t.join()
    tap.ok(100 < len(acknowledged) < 1000, f"all died after {len(acknowledged)} of 1000 REGISTERs got their 200")
    daemon.start()
    there = {r["user"] for r in daemon.cli("registrations", json_out=True)}
    tap.ok(acknowledged <= there, f"every one of the {len(acknowledged)} is there", sorted(acknowledged - there)[:20])
    tap.note(f"{len(there)} bindings after the restart")
tap.done()
