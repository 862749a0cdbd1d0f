#!/usr/bin/env python3
"""The other ways to a certificate: tls-alpn-01, an address, an external account, a kept key, a change of the account's
key, revocation, and what is left after a restart. IPC-30, TEL-7."""
# sanitizers: address
import os
import sqlite3
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import pebble
import tap
from daemon import Daemon

KEY = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"


def settings(ca, web, tls, more, names="pbx.example.test"):
    return f"""web {{
    listen http:127.0.0.1:{web} https:127.0.0.1:{tls}
    certificate pub
}}
certificate pub {{
    lets-encrypt on
    directory {ca.directory}
    names {names}
    ca-file file:{ca.ca_file}
    terms-agreed on
    key-type ecdsa
    {more}
}}
"""


def wait_for(what, seconds=20):
    deadline = time.time() + seconds
    while time.time() < deadline:
        found = what()
        if found:
            return found
        time.sleep(0.1)
    return None


def wait_serial(port, serial, name="pbx.example.test"):
    """What is shown once it has this serial number."""
    def look():
        now = pebble.served(port, name)
        return now if now and now["serial"].lower().lstrip("0") == serial.lower().lstrip("0") else None
    return wait_for(look)


def renewals(d):
    return [e for e in d.events() if e.get("event") in ("acme.issued", "acme.renewed")]


def renew(d):
    """Ask for it and wait; the event of the new certificate, or None."""
    before = len(renewals(d))
    status, _, err = d.cli("cert", "renew", "pub")
    if status != 0:
        return None
    done = wait_for(lambda: len(renewals(d)) > before)
    return renewals(d)[-1] if done else None


def tls_alpn():
    web, tls = pebble.free_port(), pebble.free_port()
    with pebble.Pebble(web, tls) as ca, \
            Daemon(more=settings(ca, web, tls, "challenge tls-alpn-01\n    reuse-key on",
                                 "pbx.example.test 127.0.0.1")) as d:
        first = d.wait_event("acme.issued", 40)
        tap.ok(first is not None, "IPC-30 tls-alpn-01 (RFC 8737), for a name and for an address (RFC 8738)",
               d.log_text()[-3000:] + ca.text()[-2000:])
        if first is None:
            return
        now = wait_serial(tls, first["serial"])
        tap.ok(now is not None and sorted(now["names"]) == ["127.0.0.1", "pbx.example.test"], "it is shown", str(now))
        public = now["public"] if now else ""
        second = renew(d)
        now = wait_serial(tls, second["serial"]) if second else None
        tap.ok(second is not None and second["event"] == "acme.renewed" and now is not None and
               now["public"] == public and second["serial"] != first["serial"],
               "TEL-7 with reuse-key a renewal has a new certificate and the same key", d.log_text()[-2000:])


def accounts_and_restarts():
    web, tls = pebble.free_port(), pebble.free_port()
    more = f"external-account-id kid-1\n    external-account-key {KEY}\n    contact ops@example.test"
    with pebble.Pebble(web, tls, eab={"kid-1": KEY}) as ca, Daemon(more=settings(ca, web, tls, more)) as d:
        first = d.wait_event("acme.issued", 40)
        tap.ok(first is not None, "IPC-30 an authority that wants an external account gets its binding",
               d.log_text()[-3000:] + ca.text()[-2000:])
        if first is None:
            return
        first_public = wait_serial(tls, first["serial"])["public"]
        status, out, err = d.cli("cert", "account-key", "pub")
        changed = d.wait_event("acme.account_key", 20)
        tap.ok(status == 0 and changed is not None, "the account's key is changed (RFC 8555 7.3.5)",
               err + d.log_text()[-2000:])
        second = renew(d)
        now = wait_serial(tls, second["serial"]) if second else None
        tap.ok(second is not None and now is not None, "and a renewal is signed with the new one", d.log_text()[-2000:])
        tap.ok(now is not None and now["public"] != first_public, "without reuse-key a renewal has a new key")

        serial = second["serial"]
        d.kill()
        d.start()
        now = pebble.served(tls, "pbx.example.test")
        tap.ok(now is not None and now["serial"].lower().lstrip("0") == serial.lower().lstrip("0"),
               "after kill -9 the listener shows it from its first connection on", str(now))
        time.sleep(2)
        tap.ok(not renewals(d), "and nothing is ordered again")
        row = d.cli("cert", "automatic", json_out=True)[0]
        tap.ok(row["issued"] and row["source"] == "automatic" and row["renews_in_s"] > 86400 and row["failures"] == 0,
               "cert automatic says where it is from and when it is renewed", str(row))
        third = renew(d)
        tap.ok(third is not None, "the account of before is used on", d.log_text()[-2000:])
        os.kill(d.children()["signal"], 9)
        tap.ok(wait_serial(tls, third["serial"]) is not None, "a signal process that dies takes nothing with it")

        status, out, err = d.cli("cert", "revoke", "pub", "--yes")
        gone = d.wait_event("acme.revoked", 20)
        last = wait_for(lambda: [e for e in renewals(d) if e["serial"] not in (first["serial"], serial,
                                                                               third["serial"])])
        tap.ok(status == 0 and gone is not None and last, "a certificate is revoked, and another one takes its place",
               err + d.log_text()[-2000:])
        status, out, err = d.cli("cert", "renew", "nosuch")
        tap.ok(status == 2 and "those that renew themselves" in err, "a name that is none is told so", err)

        text = d.log_text() + out
        keys = sqlite3.connect(os.path.join(d.state, "ringfence.db")).execute("SELECT value FROM item").fetchall()
        tap.ok(len(keys) == 2 and "PRIVATE KEY" not in text, "keys are in the store and nowhere in the log")
        mode = os.stat(os.path.join(d.state, "ringfence.db")).st_mode & 0o777
        tap.equal(mode, 0o600, "which nobody else can read")
        tap.ok(not d.sanitizer_reports(), "the sandbox has refused nothing")


tls_alpn()
accounts_and_restarts()
tap.done()
