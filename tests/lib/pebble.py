"""tests/lib/pebble.py - Debian's pebble, a small ACME authority, with its DNS, on free ports of loopback.

It looks at challenges where it is told to: at the daemon's own ports for http-01 and tls-alpn-01. Below it is what
all tests of tests/acme have in common: settings, waiting for what the daemon does, and what it shows.
"""
import json
import os
import shutil
import signal
import ssl
import subprocess
import tempfile
import time
import urllib.request

from ports import free_tcp_port as free_port


def openssl(*words, **kw):
    return subprocess.run(["openssl", *words], check=True, capture_output=True, **kw).stdout


def make_api_certificate(folder):
    """An authority of its own for the connection to the ACME server: api-ca.pem, and api.pem with api.key."""
    ca, key = os.path.join(folder, "api-ca.pem"), os.path.join(folder, "api-ca.key")
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "10",
            "-subj", "/CN=ACME test API root", "-keyout", key, "-out", ca)
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost",
            "-keyout", os.path.join(folder, "api.key"), "-out", os.path.join(folder, "api.csr"))
    with open(os.path.join(folder, "api.ext"), "w") as f:
        f.write("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    openssl("x509", "-req", "-in", os.path.join(folder, "api.csr"), "-CA", ca, "-CAkey", key, "-CAcreateserial",
            "-days", "10", "-extfile", os.path.join(folder, "api.ext"), "-out", os.path.join(folder, "api.pem"))
    os.chmod(ca, 0o644)
    return ca


class Pebble:
    """Two processes. `reject` is the share of good nonces, in percent, that it refuses on purpose; `life_s`: of what
    it issues."""

    def __init__(self, http_port, tls_port, reject=20, eab=None, env=None, life_s=None):
        self.folder = tempfile.mkdtemp(prefix="pebble-")
        os.chmod(self.folder, 0o755)
        self.ca_file = make_api_certificate(self.folder)
        self.port, self.admin, self.dns, self.dns_admin = (free_port() for _ in range(4))
        self.directory = f"https://localhost:{self.port}/dir"
        conf = {"listenAddress": f"127.0.0.1:{self.port}", "managementListenAddress": f"127.0.0.1:{self.admin}",
                "certificate": os.path.join(self.folder, "api.pem"),
                "privateKey": os.path.join(self.folder, "api.key"), "httpPort": http_port, "tlsPort": tls_port,
                "ocspResponderURL": "", "externalAccountBindingRequired": bool(eab)}
        if life_s is not None:
            conf["certificateValidityPeriod"] = life_s
        if eab:
            conf["externalAccountMACKeys"] = eab
        path = os.path.join(self.folder, "pebble.json")
        with open(path, "w") as f:
            json.dump({"pebble": conf}, f)
        self.log = open(os.path.join(self.folder, "log"), "w+")
        self.names = subprocess.Popen(
            ["pebble-challtestsrv", "-dns01", f"127.0.0.1:{self.dns}", "-defaultIPv4", "127.0.0.1", "-defaultIPv6", "",
             "-http01", "", "-https01", "", "-tlsalpn01", "", "-management", f"127.0.0.1:{self.dns_admin}"],
            stdout=self.log, stderr=subprocess.STDOUT)
        self.server = subprocess.Popen(
            ["pebble", "-config", path, "-dnsserver", f"127.0.0.1:{self.dns}", "-strict"], stdout=self.log,
            stderr=subprocess.STDOUT,
            env=dict(os.environ, PEBBLE_VA_NOSLEEP="1", PEBBLE_WFE_NONCEREJECT=str(reject), **(env or {})))
        self._wait()

    def _wait(self):
        deadline = time.time() + 20
        while True:
            try:
                self.get("/roots/0")
                return
            except OSError:
                if time.time() > deadline or self.server.poll() is not None:
                    raise RuntimeError("pebble did not start:\n" + self.text())
                time.sleep(0.1)

    def get(self, path):
        context = ssl.create_default_context(cafile=self.ca_file)
        with urllib.request.urlopen(f"https://localhost:{self.admin}{path}", context=context, timeout=5) as r:
            return r.read()

    def root(self, number=0):
        """Path of a file with the root of what it issues."""
        path = os.path.join(self.folder, f"root-{number}.pem")
        with open(path, "wb") as f:
            f.write(self.get(f"/roots/{number}"))
        return path

    def text(self):
        self.log.flush()
        return open(os.path.join(self.folder, "log")).read()

    def close(self):
        for p in (self.server, self.names):
            if p.poll() is None:
                p.send_signal(signal.SIGTERM)
        for p in (self.server, self.names):
            try:
                p.wait(5)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


def served(port, name, kind="ecdsa", tls="1.3"):
    """What an `openssl s_client` sees: {"serial", "issuer", "names", "pem", "chain": n}, or None."""
    sigalgs = "ECDSA+SHA256" if kind == "ecdsa" else "RSA-PSS+SHA256:RSA+SHA256"
    p = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", name, "-showcerts",
                        "-sigalgs", sigalgs, f"-tls{tls.replace('.', '_')}"], input=b"", capture_output=True,
                       timeout=20)
    text = p.stdout.decode(errors="replace")
    if "BEGIN CERTIFICATE" not in text:
        return None
    pem = text[text.index("-----BEGIN"):]
    first = pem[:pem.index("-----END CERTIFICATE-----") + 25] + "\n"
    out = openssl("x509", "-noout", "-serial", "-issuer", "-ext", "subjectAltName", "-enddate", "-pubkey",
                  input=first.encode()).decode()
    lines = dict(line.split("=", 1) for line in out.splitlines() if "=" in line and not line.startswith(" "))
    names = [w.strip().split(":", 1)[1] for line in out.splitlines() if "DNS:" in line or "IP Address:" in line
             for w in line.split(",")]
    return {"serial": lines.get("serial"), "issuer": lines.get("issuer"), "names": names, "pem": first,
            "public": out[out.index("-----BEGIN PUBLIC"):], "chain": text.count("BEGIN CERTIFICATE")}


def settings(ca, web, tls, more="", names="pbx.example.test"):
    """A certificate `pub` that renews itself at this authority (a Pebble or a Mock), shown by the web listener."""
    return f"""web {{
    listen http:127.0.0.1:{web} https:127.0.0.1:{tls}
    certificate pub
}}
""" + certificate(ca, more, names)


def certificate(ca, more="", names="pbx.example.test", label="pub"):
    """A block; without a label it is that of all interfaces."""
    return f"""certificate {label} {{
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
    """What `what` gives once it is something, or None."""
    deadline = time.time() + seconds
    while time.time() < deadline:
        found = what()
        if found:
            return found
        time.sleep(0.1)
    return None


def is_serial(a, b):
    return a.lower().lstrip("0") == b.lower().lstrip("0")


def wait_serial(port, serial, name="pbx.example.test"):
    """What is shown once it has this serial number, or None."""
    def look():
        now = served(port, name)
        return now if now and is_serial(now["serial"], serial) else None
    return wait_for(look)


def renewals(d):
    """Events of certificates that came."""
    return [e for e in d.events() if e.get("event") in ("acme.issued", "acme.renewed")]


def renew(d, label="pub"):
    """Ask for it and wait; the event of the new certificate, or None."""
    before = len(renewals(d))
    if d.cli("cert", "renew", label)[0] != 0:
        return None
    return renewals(d)[-1] if wait_for(lambda: len(renewals(d)) > before) else None


def renew_anyhow(d, seconds=30, label="pub"):
    """The same with an authority that may fail: the event that came of it, acme.renewed or acme.failing."""
    def count(name):
        return len([e for e in d.events() if e.get("event") == name])

    before = {n: count(n) for n in ("acme.renewed", "acme.failing")}
    status, _, err = d.cli("cert", "renew", label)
    if status != 0:
        return {"event": "refused", "detail": err}
    return wait_for(lambda: next(([e for e in d.events() if e.get("event") == n][-1] for n in before
                                  if count(n) > before[n]), None), seconds) or {"event": "nothing"}
