"""tests/lib/certs.py - the certificates of tests/data/certs, made once for all tests of a run."""
import fcntl
import os
import subprocess
import time

import tap

DATA = os.path.join(tap.ROOT, "tests", "data", "certs")
FRESH_S = 6 * 3600  # their dates count from when they were made: "one day ago", "in one day"


def made():
    """The folder, one for all builds; made by the first who asks (30 s), the others wait for it."""
    plain = os.path.join(tap.ROOT, "build")
    folder = os.path.join(plain if os.path.isdir(plain) else os.environ["RF_BUILD"], "test-certs")
    mark = os.path.join(folder, "made")
    script = os.path.join(DATA, "make-certs.sh")
    os.makedirs(os.path.dirname(folder), exist_ok=True)
    with open(folder + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        since = max(time.time() - FRESH_S, os.path.getmtime(script))
        if not os.path.exists(mark) or os.path.getmtime(mark) < since:
            subprocess.run(["rm", "-rf", folder], check=True)
            subprocess.run(["bash", script, folder], check=True, stdout=subprocess.DEVNULL)
            open(mark, "w").close()
    return folder


def table(name):
    """Rows of a table as dictionaries."""
    lines = [line.rstrip("\n").split("\t") for line in open(os.path.join(DATA, name))]
    return [dict(zip(lines[0], row + [""] * len(lines[0]))) for row in lines[1:]]
