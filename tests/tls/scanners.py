#!/usr/bin/env python3
"""IPC-5 to IPC-11, TEL-13, TEL-14 as strangers see them: sslscan and testssl.sh list what an interface accepts, and it
is what `ringfence tls levels --json` says, at each level, with an RSA and an ECDSA certificate side by side.

Interfaces that the daemon can listen on are the daemon's; the others are rf-tls-server's, which uses the same code.

# sanitizers: none
# takes long
"""
import concurrent.futures
import json
import os
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml

import tap
from daemon import BUILD, RINGFENCE, Daemon, config

# interface: its block in the configuration, and the scheme of its listener
INTERFACES = {"sip-phones": ("sip", "tls"), "sip-trunks": ("sip-trunks", "tls"), "https": ("web", "https"),
              "provisioning": ("provisioning", "https"), "node-link": ("node-link", "https"),
              "management": ("management", "https")}
LEVELS = ["old", "intermediate", "modern"]
NAMES = {"TLSv1": "TLSv1.0"}


def certificates(folder):
    made = []
    for kind, words in (("ec", ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]), ("rsa", ["rsa:2048"])):
        key, chain = os.path.join(folder, kind + ".key"), os.path.join(folder, kind + ".pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", *words, "-nodes", "-days", "2", "-subj", "/CN=pbx.example",
                        "-addext", "subjectAltName=DNS:pbx.example,IP:127.0.0.1", "-keyout", key, "-out", chain],
                       check=True, capture_output=True)
        os.chmod(key, 0o600)
        made += [chain, key]
    return made


class Tool:
    """rf-tls-server in the daemon's place."""

    def __init__(self, interface, level, certs):
        self.process = subprocess.Popen([os.path.join(BUILD, "rf-tls-server"), interface, level, *certs],
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.port = int(self.process.stdout.readline())

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Real:
    """The daemon with this interface listening."""

    def __init__(self, interface, level, certs):
        block, scheme = INTERFACES[interface]
        both = f"""certificate both {{
    chain file:{certs[0]}
    chain file:{certs[2]}
    key file:{certs[1]}
    key file:{certs[3]}
}}
"""
        if block == "sip":
            text = config(listen="tls:127.0.0.1:0", sip=f"cipher-suite-level {level}\n    certificate both", more=both)
        else:
            text = config(listen="udp:127.0.0.1:0", more=both + f"""{block} {{
    listen {scheme}:127.0.0.1:0
    cipher-suite-level {level}
    certificate both
    client-certificate off
}}
""")
        self.daemon = Daemon(text)
        self.port = next(int(at.rsplit(":", 1)[1]) for at in self.daemon.ready["listen"] if at.startswith(scheme + ":"))

    def stop(self):
        self.daemon.stop()


def daemon_has(interface):
    """Does this build's daemon listen on it, with two certificates side by side?"""
    setting = INTERFACES[interface][0] + ".listen"
    trunks = subprocess.run([RINGFENCE, "config", "explain", "sip-trunks.listen"], capture_output=True)
    known = subprocess.run([RINGFENCE, "config", "explain", setting], capture_output=True)
    return trunks.returncode == 0 and known.returncode == 0


def serve(interface, level, certs):
    return (Real if daemon_has(interface) else Tool)(interface, level, certs)


def wanted(interface, level):
    """{version: set of suites} as the table of levels says, and the floor of the interface."""
    rows = json.loads(subprocess.run([RINGFENCE, "tls", "levels", "--json"], capture_output=True, check=True).stdout)
    row = rows["configurations"][level]
    want = {}
    for version in row["tls_versions"]:
        name = NAMES.get(version, version)
        if interface == "sip-trunks" and name in ("TLSv1.0", "TLSv1.1"):
            continue
        if name == "TLSv1.3":
            want[name] = set(row["openssl_ciphersuites"])
        else:
            # Below TLS 1.2 there are no AEAD suites and no SHA-2 ones.
            want[name] = {s for s in row["openssl_ciphers"] if name == "TLSv1.2" or s.endswith("-SHA")}
    return want, row


def sslscan(interface, level, certs):
    """What sslscan prints of it."""
    server = serve(interface, level, certs)
    try:
        return subprocess.run(["sslscan", "--xml=-", "--no-colour", "--sni-name=pbx.example", f"127.0.0.1:{server.port}"],
                              capture_output=True, text=True, timeout=300).stdout
    finally:
        server.stop()


def judge_sslscan(interface, level, out):
    who = f"{level} at {interface}"
    test = xml.fromstring(out[out.index("<"):]).find("ssltest")
    seen, small = {}, []
    for cipher in test.iter("cipher"):
        if cipher.get("status") in ("accepted", "preferred"):
            seen.setdefault(cipher.get("sslversion"), set()).add(cipher.get("cipher"))
            if cipher.get("dhebits") is not None and int(cipher.get("dhebits")) < 2048:
                small.append(cipher.get("cipher"))
    want, _ = wanted(interface, level)
    on = {f"{p.get('type').upper()}v{p.get('version')}" for p in test.iter("protocol") if p.get("enabled") == "1"}
    tap.equal(on, set(want), f"IPC-5, IPC-6, IPC-14, TEL-14: sslscan: {who} speaks {', '.join(sorted(want))}")
    for version in sorted(want):
        tap.equal(seen.get(version, set()), want[version], f"IPC-9, IPC-10: sslscan: {who}, {version}: "
                                                            f"{len(want[version])} suites, as the table says")
    tap.equal(small, [], f"TEL-13: sslscan: {who}: no Diffie-Hellman below 2048 bits")
    tap.ok(all(r.get("supported") == "0" for r in test.iter("renegotiation")) or
           all(r.get("secure") == "1" for r in test.iter("renegotiation")), f"{who}: no insecure renegotiation")
    tap.ok(all(c.get("supported") == "0" for c in test.iter("compression")), f"{who}: no compression")
    tap.ok(all(h.get("vulnerable") == "0" for h in test.iter("heartbleed")), f"{who}: no Heartbleed")


def testssl(interface, level, certs, folder):
    """What testssl.sh prints of it, and the file that it writes."""
    server = serve(interface, level, certs)
    found = os.path.join(folder, f"testssl-{interface}-{level}.json")
    try:
        out = subprocess.run(["testssl", "--quiet", "--color", "0", "--warnings", "batch", "--ip", "one", "--openssl-timeout", "10",
                              "-p", "-P", "-R", "-C", "-F", "-O", "--jsonfile", found, f"127.0.0.1:{server.port}"],
                             capture_output=True, text=True, timeout=900).stdout
    finally:
        server.stop()
    return out, found


def judge_testssl(interface, level, out, found):
    who = f"{level} at {interface}"
    if not tap.ok(os.path.exists(found), f"testssl.sh: {who} was looked at", out):
        return
    rows = {row["id"]: row for row in json.load(open(found))}
    want, row = wanted(interface, level)
    for name, key in (("TLSv1.0", "TLS1"), ("TLSv1.1", "TLS1_1"), ("TLSv1.2", "TLS1_2"), ("TLSv1.3", "TLS1_3")):
        text = rows.get(key, {}).get("finding", "missing")
        tap.equal(text.startswith("offered"), name in want, f"IPC-5, IPC-6: testssl.sh: {who}: {key} is {text}")
    for key in ("SSLv2", "SSLv3"):
        text = rows.get(key, {}).get("finding", "missing")
        tap.ok(text.startswith("not offered"), f"IPC-7: testssl.sh: {who}: {key} is {text}")
    for key in ("secure_renego", "secure_client_renego", "CRIME_TLS", "POODLE_SSL", "fallback_SCSV"):
        if key in rows:
            tap.ok(rows[key]["severity"] in ("OK", "INFO"), f"testssl.sh: {who}: {key}: {rows[key]['finding']}")
    if level != "modern":
        order = rows.get("cipher_order", {}).get("finding", "missing")
        tap.ok((order.startswith("server") or "-- server" in order) == row["server_preferred_order"],
               f"IPC-9, IPC-10: testssl.sh: {who}: order is {order}")


def main():
    missing = [tool for tool in ("sslscan", "testssl", "openssl") if shutil.which(tool) is None]
    if missing:
        print(f"1..0 # SKIP {', '.join(missing)} not installed: tools/packages test")
        return
    folder = tempfile.mkdtemp(prefix="ringfence-tls-")
    os.chmod(folder, 0o755)
    try:
        certs = certificates(folder)
        # testssl.sh takes a while and mostly waits: the three beside each other and beside sslscan.
        with concurrent.futures.ThreadPoolExecutor(max_workers=len(LEVELS)) as pool:
            looks = [(level, pool.submit(testssl, "sip-phones", level, certs, folder)) for level in LEVELS]
            for interface in INTERFACES:
                tap.note(f"{interface}: {'the daemon' if daemon_has(interface) else 'rf-tls-server'}")
                for level in LEVELS:
                    judge_sslscan(interface, level, sslscan(interface, level, certs))
            for level, look in looks:
                judge_testssl("sip-phones", level, *look.result())
    finally:
        shutil.rmtree(folder)
    tap.done()


if __name__ == "__main__":
    sys.exit(main())
