#!/usr/bin/env python3
"""An authority at its worst, over real connections: silent, slow, broken, endless, limiting. What is there stays, the reason
is told, and renewal goes on by itself when the authority does. IPC-31."""
# sanitizers: address
# takes long
import os
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import acme_mock
import pebble
import tap
from daemon import Daemon
from pebble import renew_anyhow, settings, wait_for

web, tls = pebble.free_port(), pebble.free_port()


def faults():
    with acme_mock.Mock() as ca, Daemon(more=settings(ca, web, tls)) as d:
        first = d.wait_event("acme.issued", 30)
        tap.ok(first is not None, "a certificate is issued by an authority whose life is easy", d.log_text()[-3000:])
        if first is None:
            return
        for fault, times in (("500", 2), ("close", 2), ("503", 1), ("slow", 1)):
            ca.faults = [("new-order", fault, times)]
            tap.equal(renew_anyhow(d)["event"], "acme.renewed", f"{fault}, {times} times: it is asked again, and renewed")
        for where, fault, words in (("new-order", "broken", "cannot be read"), ("dir", "html", "cannot be read"),
                                    ("certificate", "html", "not a certificate chain"),
                                    ("dir", "redirect", "302"), ("new-order", "invalid", "CAA forbids it")):
            ca.faults = [(where, fault, 1)]
            e = renew_anyhow(d)
            tap.ok(e["event"] == "acme.failing" and words in e["detail"], f"{fault} at {where}: a failure with its reason",
                   str(e))
        ca.faults = [("dir", "long", 10)]
        e = renew_anyhow(d, 60)
        tap.ok(e["event"] == "acme.failing" and "longer than" in e["detail"], "an endless answer is cut off", str(e))
        now = pebble.served(tls, "pbx.example.test")
        tap.ok(now is not None and "mock root" in now["issuer"], "IPC-31 what was there is shown on")
        code = [e for e in d.events() if e.get("code") == "RF-703"]
        tap.ok(code and "CAA" in " ".join(c["msg"] for c in code), "RF-703 is told with the authority's words",
               str(code[-1:]))
        ca.faults = [("new-order", "rate", 1)]
        e = renew_anyhow(d)
        tap.ok(e["event"] == "acme.failing" and e["again_in_s"] >= 3600, "a rate limit is waited for", str(e))
        row = d.cli("cert", "automatic", json_out=True)[0]
        tap.ok("too many certificates" in row["problem"] and row["failures"] >= 1, "cert automatic names it", str(row))
        n = len(ca.orders)
        d.kill()
        d.start()
        time.sleep(3)
        tap.equal(len(ca.orders), n, "a restart is no way around it")
        ca.faults, ca.date_offset = [], 7200
        e = renew_anyhow(d)
        clock = [e for e in d.events() if e.get("code") == "RF-705"]
        tap.ok(e["event"] == "acme.renewed" and clock, "RF-705 a clock that is off is told", str(clock))
        tap.ok(not d.sanitizer_reports(), "the sandbox has refused nothing")


class ByItself(threading.Thread):
    """A daemon and an authority whose certificates live for 40 seconds, watched for 50 beside the faults of another."""

    def __init__(self):
        super().__init__()
        self.web, self.tls = pebble.free_port(), pebble.free_port()
        self.first, self.profile, self.serials, self.bad, self.log = None, None, set(), 0, ""
        self.start()

    def run(self):
        with acme_mock.Mock() as ca:
            ca.life_s = 40
            ca.profiles = ["classic", "short"]
            with Daemon(more=settings(ca, self.web, self.tls, "profile short")) as d:
                self.first = d.wait_event("acme.issued", 30)
                self.profile = ca.orders[0].get("profile")
                wait_for(lambda: "mock root" in (pebble.served(self.tls, "pbx.example.test") or {}).get("issuer", ""))
                until = time.time() + 50
                while time.time() < until:
                    now = pebble.served(self.tls, "pbx.example.test")
                    if now is None or "mock root" not in now["issuer"]:
                        self.bad += 1
                    else:
                        self.serials.add(now["serial"])
                    time.sleep(0.3)
                self.log = d.log_text()

    def judge(self):
        self.join()
        tap.ok(self.first is not None, "a certificate of 40 seconds", self.log[-2000:])
        tap.equal(self.profile, "short", "of the profile that was asked for")
        tap.ok(len(self.serials) >= 3, f"IPC-31 it renews by itself: {len(self.serials)} certificates in 50 seconds")
        tap.equal(self.bad, 0, "and every handshake meanwhile was shown one that is valid")


def window():
    with acme_mock.Mock() as ca:
        ca.window = (8, 12)
        with Daemon(more=settings(ca, web, tls)) as d:
            tap.ok(d.wait_event("acme.issued", 30) is not None, "a certificate of 90 days")
            tap.ok(d.wait_event("acme.window", 20) is not None, "RFC 9773 the authority names a time",
                   d.log_text()[-2000:])
            row = d.cli("cert", "automatic", json_out=True)[0]
            tap.ok(row["by_window"] and row["renews_in_s"] < 90000, "which counts", str(row))


alone = ByItself()
faults()
window()
alone.judge()
tap.done()
