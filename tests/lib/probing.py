"""tests/lib/probing.py - servers to look at with `ringfence probe`: openssl s_server, Python, and certificates for them."""
import json
import os
import socket
import subprocess
import time

from daemon import RINGFENCE


def probe(port, *flags, host="127.0.0.1", name="pbx.example", timeout=120):
    """(exit status, the parsed --json)"""
    p = subprocess.run([RINGFENCE, "probe", f"{host}:{port}", "--json", *(["--server-name", name] if name else []), *flags],
                       capture_output=True, text=True, timeout=timeout)
    return p.returncode, json.loads(p.stdout) if p.stdout else {"stderr": p.stderr}


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_port(port, seconds=20, process=None):
    """True when somebody listens; False also when the process that should has ended."""
    until = time.time() + seconds
    while time.time() < until and (process is None or process.poll() is None):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return True
        except OSError:
            time.sleep(0.05)
    return False


def version(answer, name):
    return next(v for v in answer["versions"] if v["version"] == name)


def suites(answer, name):
    return [s["suite"] for s in version(answer, name)["suites"]]


def openssl(*words, stdin=None):
    p = subprocess.run(["openssl", *words], input=stdin, capture_output=True, text=True)
    if p.returncode != 0:
        raise RuntimeError(p.stderr)
    return p.stdout


class Authority:
    """A root, an intermediate, and leaves of it, in a folder."""

    def __init__(self, folder):
        self.folder = folder
        self.make("root", None, "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n")
        self.make("inter", "root", "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n")

    def path(self, name):
        return os.path.join(self.folder, name)

    def make(self, name, issuer, extensions, key=("rsa:2048",), days=60, subject=None):
        with open(self.path(name + ".ext"), "w") as f:
            f.write(extensions)
        openssl("req", "-newkey", *key, "-nodes", "-keyout", self.path(name + ".key"), "-out", self.path(name + ".csr"),
                "-subj", f"/CN={subject or name}")
        sign = ["-signkey", self.path(name + ".key")] if issuer is None else \
            ["-CA", self.path(issuer + ".pem"), "-CAkey", self.path(issuer + ".key"), "-CAcreateserial"]
        # x509 -req takes whole days, also negative ones: a certificate of the past.
        openssl("x509", "-req", "-in", self.path(name + ".csr"), *sign, "-days", str(days), "-extfile",
                self.path(name + ".ext"), "-out", self.path(name + ".pem"))
        return self.path(name + ".pem"), self.path(name + ".key")

    def leaf(self, name, names="DNS:pbx.example", **kw):
        return self.make(name, kw.pop("issuer", "inter"),
                         f"basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature,keyEncipherment\n"
                         f"extendedKeyUsage=serverAuth,clientAuth\nsubjectAltName={names}\n"
                         "authorityInfoAccess=caIssuers;URI:http://ca.example/inter.crt\n", subject="pbx.example", **kw)

    def bundle(self, name, *parts):
        with open(self.path(name), "w") as f:
            for part in parts:
                f.write(open(self.path(part + ".pem")).read())
        return self.path(name)


class OpenSSL:
    """openssl s_server: it sends back each line reversed, so OPTIONS gets an answer at once that is no SIP."""

    def __init__(self, cert, key, *words, chain=None):
        # Somebody else may take the port between our look and its start.
        for _ in range(3):
            if self.start(cert, key, words, chain):
                return
            self.__exit__()
        raise RuntimeError("openssl s_server does not listen: " + " ".join(words))

    def start(self, cert, key, words, chain):
        self.port = free_port()
        more = ["-cert_chain", chain] if chain else []
        self.process = subprocess.Popen(["openssl", "s_server", "-rev", "-accept", f"127.0.0.1:{self.port}", "-cert", cert,
                                         "-key", key, *more, *words],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return wait_port(self.port, 20, self.process)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.process.kill()
        self.process.wait()
