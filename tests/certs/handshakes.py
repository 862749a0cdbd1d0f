#!/usr/bin/env python3
"""Representative rows of tests/data/certs over real handshakes, in both roles and at five levels: as a trunk that connects to us,
and as the server of a SIP connection. What the handshake says is what `ringfence cert check` says (AVA-4 to AVA-18, AVA-22,
TEL-6). A missing intermediate is RF-203 in both (TEL-5, TEL-7), and authorities of one connection are read again (TEL-10).

# sanitizers: address
# takes long
"""
import json
import os
import shutil
import subprocess
import tempfile
import time

import certs
import pki
import tap
from daemon import RINGFENCE, Daemon, config
from probing import Authority, OpenSSL
from zone import Zone

LEVELS = ["low", "medium", "high", "medium_remote", "high_remote"]
ROWS = ["ok", "ok-notpinned", "ok-root-sent", "ok-shuffled", "ec256-ecroot", "expired", "notyet", "selfsigned", "selfsigned-instore",
        "missing-int", "missing-int-stored", "missing-int1", "unknown-ca", "no-ku", "ku-certsign", "eku-none", "eku-code",
        "crit-unknown", "san-uri", "san-other", "san-wild", "cn-only", "own", "renewed", "nc-bad", "int-expired", "pathlen", "badsig"]
AS_CLIENT = ROWS + ["eku-server-as-client", "eku-client-as-client"]
AS_SERVER = ROWS + ["eku-server-as-server", "eku-client-as-server"]
made = certs.made()
table = {r["id"]: r for r in certs.table("expected.tsv")}
folder = tempfile.mkdtemp(prefix="ringfence-shakes-")
os.chmod(folder, 0o755)


class Shake(pki.Shake):
    """Who is let in is answered: names are judged, and connections closed, after the handshake."""

    @property
    def ok(self):
        return super().ok and "\r\n" in self.text


def leaf(row, kind):
    return f"{made}/leaf/{row['cert']}.{kind}"


def check_code(row, level, role):
    """What `cert check` says: the code, or "" when it accepts."""
    p = subprocess.run([RINGFENCE, "cert", "check", "--json", "--level", level.replace("_", "-"), "--interface", "sip", "--peer", role,
                        "--own", f"{made}/leaf/own.pem", "--target", "trunk.example.net", "--store", f"{made}/store/{row['store']}.pem",
                        leaf(row, "chain.pem")], capture_output=True, text=True)
    return "" if p.returncode == 0 else json.loads(p.stdout)["code"]


def copy(name, to):
    """Of a store, into a place that the daemon may read."""
    shutil.copyfile(f"{name}.pem" if "/" in name else f"{made}/store/{name}.pem", to + ".new")
    os.chmod(to + ".new", 0o644)
    os.rename(to + ".new", to)


# The daemon shows a certificate of the tables as its own, so that one that is sent back is found (AVA-14).
own = os.path.join(folder, "own")
shutil.copyfile(f"{made}/leaf/own.chain.pem", own + ".pem")
shutil.copyfile(f"{made}/leaf/own.key", own + ".key")
os.chmod(own + ".pem", 0o644)
os.chmod(own + ".key", 0o600)
block = f"certificate own {{\n    chain file:{own}.pem\n    key file:{own}.key\n}}\n"

ca = Authority(folder)
alone, alone_key = ca.leaf("alone", names="DNS:trunk.example.net")

# --- they connect to us ---
store = os.path.join(folder, "store.pem")
copy("pinned", store)
with Daemon(workers=1, more=block + f"""sip-trunks {{
    listen tls:127.0.0.1:0
    certificate own
    client-certificate required
    received-certificate-checks low
    trusted-certificate-store {store}
    peer-names trunk.example.net
}}
security {{
    handshakes-per-source 1000000
}}
""") as daemon:
    at = ("127.0.0.1", int(daemon.ready["interfaces"]["sip-trunks"][0].rsplit(":", 1)[1]))

    def set_level(level, name):
        copy(name, store)
        with open(daemon.file) as f:
            lines = f.read().splitlines()
        with open(daemon.file, "w") as f:
            f.write("\n".join(f"    received-certificate-checks {level.replace('_', '-')}" if "received-certificate-checks" in x else x
                              for x in lines) + "\n")
        status, out, err = daemon.cli("reload")
        if status != 0:
            tap.ok(False, f"reload with level {level}", out + err)

    def refusal(since, seconds):
        """The code of the first refusal after this place of the log. Names that repeat are told of once (main/fold.h)."""
        deadline = time.time() + seconds
        while time.time() < deadline:
            for e in daemon.events(since):
                if e.get("event") == "refused" and e.get("code", "").startswith(("RF-1", "RF-2")):
                    return e["code"], e
            time.sleep(0.02)
        return "", {}

    places = iter(range(1, 250 * 250))

    def elsewhere():
        """Another address for each handshake: failures of one source that are alike make one line a minute (main/fold.h)."""
        n = next(places)
        return "-bind", f"127.77.{n // 250}.{n % 250 + 1}:0"

    wrong, told = {name: [] for name in AS_CLIENT}, set()
    for level in LEVELS:
        for name_of_store in sorted({table[n]["store"] for n in AS_CLIENT}):
            set_level(level, name_of_store)
            for name in [n for n in AS_CLIENT if table[n]["store"] == name_of_store]:
                row = table[name]
                mark = os.path.getsize(daemon.err_path)
                s = Shake(at, *elsewhere(), "-cert", leaf(row, "pem"), "-key", leaf(row, "key"), "-cert_chain", leaf(row, "chain.pem"), "-cipher",
                          "DEFAULT:@SECLEVEL=0", timeout=5)
                if s.ok != (row[level] == "A"):
                    wrong[name].append(f"{level}: {'came in' if s.ok else 'was refused'}, {s.text[-300:]}")
                if row[level] == "R":
                    want = check_code(row, level, "client")
                    may_be_folded = want in ("RF-206", "RF-207")
                    got, event = refusal(mark, 0.2 if may_be_folded else 5)
                    told.add(got)
                    if got != want and not (may_be_folded and got == ""):
                        wrong[name].append(f"{level}: {got}, cert check says {want}: {event}")
    for name in AS_CLIENT:
        tap.ok(not wrong[name], f"as a client, {name}: {table[name]['why']}", "\n".join(wrong[name]))
    tap.ok(told & {"RF-206", "RF-207"}, "names that do not fit are told of", told)
    # Its certificate says where its issuer is: what is missing is the intermediate, and not our trust in its root.
    shutil.copyfile(ca.path("root.pem"), os.path.join(folder, "aia-root.pem"))
    set_level("medium", os.path.join(folder, "aia-root"))
    for version in ("-tls1_2", "-tls1_3"):
        mark = os.path.getsize(daemon.err_path)
        s = Shake(at, version, *elsewhere(), "-cert", alone, "-key", alone_key, timeout=5)
        code, event = refusal(mark, 5)
        tap.ok(not s.ok and code == "RF-203" and s.alert == "unknown ca" and "CN=inter" in event["msg"] and
               "http://ca.example/inter.crt" in event.get("fix", ""),
               f"a trunk that sends its leaf alone ({version[1:]}): RF-203 names the intermediate and where it is", (s.alert, event))
        tap.ok(Shake(at, version, "-cert", alone, "-key", alone_key, "-cert_chain", ca.path("inter.pem"), timeout=5).ok,
               "with the intermediate it comes in")

# --- we connect to them ---
zone = Zone()
zone.address("trunk.example.net", "127.0.0.1")
servers = {}
reread = os.path.join(folder, "reread.pem")
shutil.copyfile(f"{made}/leaf/selfsigned.pem", reread)
os.chmod(reread, 0o644)
try:
    for name in AS_SERVER:
        row = table[name]
        if row["cert"] not in servers:
            servers[row["cert"]] = OpenSSL(leaf(row, "pem"), leaf(row, "key"), "-cipher", "DEFAULT:@SECLEVEL=0", chain=leaf(row, "chain.pem"))
    more = block + "sip-trunks {\n    listen tls:127.0.0.1:0\n    certificate own\n}\n"
    for name in AS_SERVER:
        copy(table[name]["store"], os.path.join(folder, table[name]["store"] + ".pem"))
        for level in LEVELS:
            more += (f"sip-connection {name}-{level} {{\n    type fqdn\n"
                     f"    server trunk.example.net:{servers[table[name]['cert']].port};transport=tls\n"
                     f"    trusted-certificate-store {folder}/{table[name]['store']}.pem\n"
                     f"    received-certificate-checks-telephony-endpoints {level.replace('_', '-')}\n    oos-check 0\n}}\n")
    more += (f"sip-connection reread {{\n    type fqdn\n    trusted-certificate-store {reread}\n"
             f"    server trunk.example.net:{servers['ok'].port};transport=tls\n    oos-check 0\n"
             "    received-certificate-checks-telephony-endpoints medium-remote\n}\n")
    servers["alone"], servers["whole"] = OpenSSL(alone, alone_key), OpenSSL(alone, alone_key, chain=ca.path("inter.pem"))
    for name in ("alone", "whole"):
        more += (f"sip-connection {name} {{\n    type fqdn\n    trusted-certificate-store {folder}/aia-root.pem\n"
                 f"    server trunk.example.net:{servers[name].port};transport=tls\n    oos-check 0\n}}\n")
    with Daemon(text=config(workers=1, sip=f"dns-servers 127.0.0.1:{zone.port}", more=more)) as daemon:

        def tls_step(name):
            status, out, err = daemon.cli("connection", "test", name, "--json")
            return next((s for s in json.loads(out)["steps"] if s["step"] == "tls"), {}) if out.strip() else {"stderr": err}

        for name in AS_SERVER:
            row, wrong = table[name], []
            for level in LEVELS:
                step = tls_step(f"{name}-{level}")
                want = check_code(row, level, "server")
                if step.get("ok") != (want == "") or step.get("code", "") != want:
                    wrong.append(f"{level}: {step.get('code')} {step.get('sentence')}, cert check says {want or 'accepted'}")
                if row["peer"] == "server" and (want == "") != (row[level] == "A"):
                    wrong.append(f"{level}: the table says {row[level]}")
            tap.ok(not wrong, f"as a server, {name}: {row['why']}", "\n".join(wrong))
        step = tls_step("alone")
        tap.ok(step.get("code") == "RF-203" and "CN=inter" in step["sentence"] and "http://ca.example/inter.crt" in step["fix"],
               "a server that sends its leaf alone: RF-203 names the intermediate and where it is", step)
        tap.equal(tls_step("whole").get("ok"), True, "with the intermediate it is accepted")

        # --- authorities of one connection ---
        tap.equal(tls_step("reread").get("ok"), False, "an authority that this connection does not trust")
        copy("base", reread)
        tap.equal(daemon.cli("reload")[0], 0, "its file has the right one now; reload")
        tap.equal(tls_step("reread").get("ok"), True, "it is trusted from then on (TEL-10)")
        shutil.copyfile(f"{made}/leaf/selfsigned.pem", reread)
        tap.ok(daemon.wait_event("cert.read_again", 20) is not None, "the file changed again: read by itself")
        deadline = time.time() + 5
        while tls_step("reread").get("ok") and time.time() < deadline:
            time.sleep(0.2)
        tap.equal(tls_step("reread").get("ok"), False, "and no longer trusted")
        tap.equal(tls_step("ok-medium_remote").get("ok"), True, "others have theirs")
finally:
    for s in servers.values():
        s.__exit__()
shutil.rmtree(folder, ignore_errors=True)
tap.done()
