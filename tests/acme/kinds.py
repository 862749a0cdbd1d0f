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
from pebble import is_serial, renew, renewals, settings, wait_for, wait_serial
from pki import Shake

KEY = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"


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


def by_sip_alone():
    """Nothing but a SIP listener can be reached: a firewall forwards port 443 to it. No web listener is configured, and
    the trunks' listener asks for a certificate that the authority does not have. For phones the certificate has no
    name, and nothing says where it is shown."""
    for block, label, more in (("sip", "", ""), ("sip-trunks", "pub", "client-certificate required")):
        tls = pebble.free_port()
        listen = f"{block} {{\n    listen tls:127.0.0.1:{tls}\n    certificate pub\n    {more}\n}}\n"
        if block == "sip":
            listen = ""
        with pebble.Pebble(pebble.free_port(), tls) as ca, \
                Daemon(listen=f"tls:127.0.0.1:{tls if block == 'sip' else 0}", sip=label and f"certificate {label}",
                       more=pebble.certificate(ca, "challenge tls-alpn-01", label=label) + listen) as d:
            first = d.wait_event("acme.issued", 40)
            tap.ok(first is not None, f"IPC-30 tls-alpn-01 is answered by the TLS listener of {block}",
                   d.log_text()[-3000:] + ca.text()[-2000:])
            tap.ok(first is not None and wait_serial(d.ports["tls"][1], first["serial"]) is not None,
                   "and the listener shows what came of it")
            rows = d.cli("cert", "automatic", json_out=True)
            tap.equal([r["certificate"].split("/")[0] for r in rows], [label or "default"],
                      "under the name that it has")
            at = ("127.0.0.1", tls)
            odd = Shake(at, "-alpn", "acme-tls/1", "-servername", "pbx.example.test")
            tap.ok(not odd.ok, "IPC-30 once the look is over acme-tls/1 is refused there", odd.text[-600:])
            sip_too = Shake(at, "-alpn", "sip,acme-tls/1", "-servername", "pbx.example.test")
            tap.ok(sip_too.served and (sip_too.ok or block != "sip"),
                   "a hello that names other protocols besides is an ordinary one (RFC 8737 3)", sip_too.text[-600:])
            before = [e for e in d.events()]
            before = before[:before.index(first)] if first in before else before
            tap.ok(not [e for e in before if e.get("code") in ("RF-108", "RF-109", "RF-110")],
                   "and the authority's look was no failed handshake", str(before[-5:]))


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
        tap.ok(now is not None and is_serial(now["serial"], serial),
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
by_sip_alone()
accounts_and_restarts()
tap.done()
