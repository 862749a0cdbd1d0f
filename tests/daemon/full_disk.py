#!/usr/bin/env python3
"""A full disk: calls that are up go on, what cannot be written is refused with 500 or 503 (RF-516), status says so, and
all of it heals when there is space again.

The disk is a small tmpfs; where none may be mounted, a limit on the size of signal's files stands for it.

# sanitizers: address
"""
import os
import resource
import shutil
import subprocess
import tempfile
import time

import sip
import tap
from calls import PlainCall
from daemon import DOMAIN, Daemon, config

USERS = {"203": "salt-river-08", "204": "moss-wheel-55", "205": "fern-gate-19"}
SRTP = dict.fromkeys(USERS, "off")


class SmallDisk:
    """A state directory on a tmpfs of 3 MB; full() fills what is left of it."""

    name = "tmpfs"

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="ringfence-test-")
        self.made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m,mode=755", "none", self.folder],
                                   capture_output=True).returncode == 0

    def full(self, daemon):
        self.ballast = os.path.join(self.folder, "ballast")
        with open(self.ballast, "wb", buffering=0) as f:
            try:
                while True:
                    f.write(b"\0" * 4096)
            except OSError:
                pass

    def free(self, daemon):
        os.unlink(self.ballast)

    def close(self):
        if self.made:
            subprocess.run(["umount", "-l", self.folder], check=False)
        shutil.rmtree(self.folder, ignore_errors=True)


class SmallFiles:
    """No file of signal may grow beyond a kilobyte."""

    name = "file size"
    made = True

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="ringfence-test-")

    def full(self, daemon):
        self.pid = daemon.children()["signal"]
        self.was = resource.prlimit(self.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (1024, self.was[1]))

    def free(self, daemon):
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, self.was)

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)


def small_disk():
    disk = SmallDisk()
    if disk.made:
        return disk
    disk.close()
    return SmallFiles()


for disk in (small_disk(),):
    daemon = Daemon(config(users=USERS, srtp=SRTP), folder=disk.folder)
    signal_pid = daemon.children()["signal"]
    call = PlainCall(daemon, "tcp", passwords=USERS)
    call.establish()
    end = sip.Endpoint("udp", daemon.ports["udp"], timeout=8)
    tap.equal(end.register("205", USERS["205"], DOMAIN).status, 200, f"{disk.name}: before")
    disk.full(daemon)
    answers = []
    for n in range(40):
        reply = end.register("205", USERS["205"], DOMAIN, contact=f"<sip:205@127.0.0.1:{43000 + n}>")
        answers.append(reply.status if reply is not None else None)
        if answers[-1] in (500, 503):
            break
    tap.ok(answers[-1] in (500, 503) and reply.get("retry-after") != "", f"{disk.name}: REGISTER gets 500 or 503 and Retry-After",
           answers)
    refused = f"sip:205@127.0.0.1:{43000 + len(answers) - 1}"
    for _ in range(30):  # memory is read again from the store after the answer went out
        rows = {r["contact"] for r in daemon.cli("registrations", "205", json_out=True)}
        if refused not in rows:
            break
        time.sleep(0.1)
    tap.ok(refused not in rows, f"{disk.name}: and is not bound", rows)
    refused = daemon.wait_event("refused", 3, code="RF-516")
    # Where files are limited the log is, too.
    tap.ok(refused is not None or disk.name != "tmpfs", f"{disk.name}: the log has RF-516")
    status = daemon.cli("status", json_out=True)[0]
    tap.ok(status["store"]["failed"] > 0 and status["store"]["last_why"] != "" and status["refused"].get("RF-516", 0) > 0,
           f"{disk.name}: status --json says so", status["store"])
    code, out, err = daemon.cli("status")
    tap.ok("RF-516" in out or "disk" in out.lower() or "written" in out, f"{disk.name}: status says so to people", out)
    code, out, err = daemon.cli("set", "sip.ring-time", "40s")
    tap.ok(code != 0 and "RF-516" in out + err, f"{disk.name}: a setting is refused with RF-516", f"exit {code}\n{out}{err}")
    call.media_a.received.clear()
    call.media_b.received.clear()
    time.sleep(1)
    tap.ok(len(call.media_a.received) > 40 and len(call.media_b.received) > 40, f"{disk.name}: the call's audio goes on",
           (len(call.media_a.received), len(call.media_b.received)))
    call.a_dialog.request("OPTIONS")
    reply = call.a.wait(lambda m: m.status and "OPTIONS" in m.get("cseq"), 5)
    tap.ok(reply is not None and reply.status == 200, f"{disk.name}: and its signalling")
    disk.free(daemon)
    deadline, healed = time.time() + 10, None
    while time.time() < deadline and healed != 200:
        reply = end.register("205", USERS["205"], DOMAIN, contact="<sip:205@127.0.0.1:44444>")
        healed = reply.status if reply is not None else None
    tap.equal(healed, 200, f"{disk.name}: with space again REGISTER is accepted")
    status = daemon.cli("status", json_out=True)[0]
    tap.equal(status["store"]["last_why"], "", f"{disk.name}: and status is calm again")
    call.a_dialog.request("BYE")
    bye = call.b.wait(lambda m: m.method == "BYE", 5)
    reply = call.a.wait(lambda m: m.status and "BYE" in m.get("cseq"), 5)
    tap.ok(bye is not None and reply is not None and reply.status == 200, f"{disk.name}: the call ends by its BYE")
    if bye is not None:
        call.b.reply(bye, 200, "OK")
    time.sleep(0.3)
    tap.equal(daemon.children().get("signal"), signal_pid, f"{disk.name}: no process was started anew")
    rows = {r["contact"] for r in daemon.cli("registrations", "205", json_out=True)}
    daemon.kill()
    daemon.start()
    again = {r["contact"] for r in daemon.cli("registrations", "205", json_out=True)}
    tap.ok("sip:205@127.0.0.1:44444" in again and again == rows, f"{disk.name}: what was acknowledged survives a restart",
           (rows, again))
    call.close()
    end.close()
    daemon.close()
    disk.close()
tap.done()
