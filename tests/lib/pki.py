"""tests/lib/pki.py - authorities and certificates made with the openssl command, and handshakes with s_client.

It shares no code with the daemon: what it makes and sees is OpenSSL's.
"""
import contextlib
import os
import re
import subprocess
import time

EXTENSIONS = {
    "ca": "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n",
    "leaf": "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature{ke}\nextendedKeyUsage={eku}\n"
            "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n{san}",
}


def run(*args, stdin=None):
    p = subprocess.run(args, input=stdin, capture_output=True)
    if p.returncode != 0:
        raise RuntimeError(f"{args}\n{p.stderr.decode()}")
    return p.stdout


class Cert:
    """A certificate with its key: files NAME.pem and NAME.key in a folder."""

    def __init__(self, folder, name, subject, issuer=None, kind="leaf", key="ec", san=None, eku="serverAuth,clientAuth",
                 days=90, more=""):
        self.path, self.key = os.path.join(folder, name + ".pem"), os.path.join(folder, name + ".key")
        self.issuer, self.name = issuer, name
        if key == "ec":
            run("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", self.key)
        else:
            run("openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", f"rsa_keygen_bits:{key}", "-out", self.key)
        os.chmod(self.key, 0o600)
        text = EXTENSIONS[kind]
        if kind == "leaf":
            san_line = "subjectAltName=" + ",".join(san) + "\n" if san else ""
            text = text.format(eku=eku, san=san_line, ke="" if key == "ec" else ",keyEncipherment")
        text += more  # lines of extensions
        ext = os.path.join(folder, name + ".ext")
        with open(ext, "w") as f:
            f.write(text)
        csr = run("openssl", "req", "-new", "-key", self.key, "-subj", f"/CN={subject}")
        signer = ["-signkey", self.key] if issuer is None else ["-CA", issuer.path, "-CAkey", issuer.key,
                                                                "-set_serial", "0x" + os.urandom(8).hex().replace("8", "7")]
        with open(self.path, "wb") as f:
            f.write(run("openssl", "x509", "-req", *signer, "-days", str(days), "-extfile", ext, "-sha256", stdin=csr))

    @property
    def pem(self):
        return open(self.path).read()

    def chain(self, path=None, upto=10):
        """leaf and intermediates in one file, without the root."""
        text, at = self.pem, self.issuer
        while at is not None and at.issuer is not None and upto > 1:
            text += at.pem
            at, upto = at.issuer, upto - 1
        path = path or self.path.replace(".pem", ".chain.pem")
        with open(path, "w") as f:
            f.write(text)
        os.chmod(path, 0o644)
        return path

    @property
    def sha256(self):
        return fingerprint(self.pem)


def fingerprint(pem):
    out = run("openssl", "x509", "-noout", "-fingerprint", "-sha256", stdin=pem.encode()).decode()
    return out.strip().split("=", 1)[1].replace(":", "").lower()


def certificates(text):
    return re.findall(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n?", text, re.S)


class Shake:
    """One run of openssl s_client against ("127.0.0.1", port)."""

    def __init__(self, address, *args, say="", timeout=10):
        target = f"[{address[0]}]:{address[1]}" if ":" in address[0] else f"{address[0]}:{address[1]}"
        p = subprocess.Popen(["openssl", "s_client", "-connect", target, *args, *(["-ign_eof"] if say else [])], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            if say:
                p.stdin.write(say.encode())
                p.stdin.flush()
                self.text = p.communicate(timeout=timeout)[0].decode("utf-8", "replace")
            else:
                self.text = self._watch(p, timeout)
        except subprocess.TimeoutExpired:
            p.kill()
            self.text = p.communicate()[0].decode("utf-8", "replace")
        self.status = p.returncode

    @staticmethod
    def _watch(p, timeout):
        """
        Until it ends, or our ping is answered (RFC 5626 3.5.1): with TLS 1.3 a refusal of our certificate comes after
        our side is done. What the server says ends its lines with CR LF, what s_client says with LF alone.
        """
        os.set_blocking(p.stdout.fileno(), False)
        deadline, seen = time.time() + timeout, b""
        try:
            p.stdin.write(b"\r\n\r\n")
            p.stdin.flush()
        except BrokenPipeError:
            pass
        while time.time() < deadline:
            seen += p.stdout.read() or b""
            if p.poll() is not None:
                seen += p.stdout.read() or b""
                break
            if b"\r\n" in seen:
                p.kill()
                break
            time.sleep(0.01)
        p.kill()
        p.wait()
        with contextlib.suppress(BrokenPipeError):  # our ping is still in it when the server refused at once
            p.stdin.close()
        p.stdout.close()
        return seen.decode("utf-8", "replace")

    @property
    def alert(self):
        m = re.search(r"alert ([a-z ]+?)(?::| \d|$)", self.text, re.M)
        return m.group(1).strip() if m else ""

    @property
    def ok(self):
        return not self.alert and bool(re.search(r"(Cipher is (?!\(NONE\))|Ciphersuite: )", self.text)) \
            and "errno=" not in self.text

    @property
    def version(self):
        m = re.search(r"^New, (TLSv[\d.]+|TLSv1)", self.text, re.M)
        p = re.search(r"^\s*Protocol\s*: (TLSv[\d.]+)", self.text, re.M)
        return (p or m).group(1) if (p or m) else ""

    @property
    def suite(self):
        m = re.search(r"Cipher is (\S+)", self.text)
        return m.group(1) if m else ""

    @property
    def served(self):
        return certificates(self.text)
