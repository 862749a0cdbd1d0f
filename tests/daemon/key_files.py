#!/usr/bin/env python3
"""Keys and passwords in files that only root may read: the parent reads them, signal gets the octets and wipes them.
What others may read, or what belongs to somebody else, is refused with the line that names it and the way out.

# sanitizers: address
"""
import contextlib
import os
import socket
import ssl
import subprocess
import tempfile

import sip
import tap
from daemon import DOMAIN, PASSWORDS, Daemon, config

IS_ROOT = os.geteuid() == 0
STRANGER = 54321  # a user that is neither root nor the daemon's


def make_pair(folder, name):
    """A certificate with its key, both for root's eyes only."""
    key, chain = os.path.join(folder, "own.key"), os.path.join(folder, "own.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-subj", f"/CN={name}", "-days", "2", "-keyout", key, "-out", chain], check=True, capture_output=True)
    os.chmod(key, 0o600)
    os.chmod(chain, 0o600)
    return chain, key


def shown(daemon):
    """The certificate that the TLS listener shows, as DER."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(daemon.ports["tls"], timeout=10) as plain:
        with context.wrap_socket(plain) as conn:
            return conn.getpeercert(binary_form=True)


def der(chain):
    return ssl.PEM_cert_to_DER_cert(open(chain).read())


def in_memory(pid, octets):
    """Is this anywhere in the memory of the process that it may write?"""
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem:
        for line in maps:
            where, rights = line.split()[:2]
            if not rights.startswith("rw"):
                continue
            low, high = (int(x, 16) for x in where.split("-"))
            if high - low > 1 << 30:  # a sanitizer's shadow
                continue
            try:
                mem.seek(low)
                if octets in mem.read(high - low):
                    return True
            except (OSError, ValueError):
                continue
    return False


with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as secrets:
    os.chmod(folder, 0o755)  # the secrets' folder keeps its 0700: the daemon's user may not even enter it
    chain, key = make_pair(secrets, "first.test")
    first = der(chain)
    password = os.path.join(secrets, "201.password")
    with open(os.open(password, os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
        f.write(PASSWORDS["201"] + "\n")
    text = config().replace("sip {\n", "sip {\n    certificate own\n", 1)
    text = text.replace(f"password {PASSWORDS['201']}", f"password file:{password}")
    text += f"certificate own {{\n    chain file:{chain}\n    key file:{key}\n}}\n"
    key_line = next(i for i, line in enumerate(text.splitlines(), 1) if f"key file:{key}" in line)
    password_line = next(i for i, line in enumerate(text.splitlines(), 1) if f"file:{password}" in line)

    with Daemon(text=text, folder=folder) as daemon:
        signal_pid = daemon.children()["signal"]
        tap.equal(shown(daemon), first, "a key of root, mode 0600, in a folder of mode 0700: its certificate is shown")
        end = sip.Endpoint("tcp", daemon.ports["tcp"])
        reply = end.register("201", PASSWORDS["201"], DOMAIN)
        tap.ok(reply is not None and reply.status == 200, "and a password from such a file lets its user in", reply)
        end.close()

        base64_of_key = open(key).read().splitlines()[1].encode()
        if IS_ROOT and os.environ.get("RF_VARIANT", "plain") == "plain":
            tap.ok(in_memory(signal_pid, DOMAIN.encode()), "the memory of signal can be looked through")
            tap.ok(not in_memory(signal_pid, base64_of_key), "the key's text is not in it any more")
        held = []
        for n in os.listdir(f"/proc/{signal_pid}/fd") if IS_ROOT else []:
            with contextlib.suppress(FileNotFoundError):  # the phone's connection is being closed meanwhile
                held.append(os.readlink(f"/proc/{signal_pid}/fd/{n}"))
        tap.equal([h for h in held if "ringfence-keys" in h], [], "and signal holds no descriptor to it")

        code, out, err = daemon.cli("set", "sip.ring-time", "77s")
        tap.equal(code, 0, "a setting can be changed by command meanwhile")
        tap.equal(shown(daemon), first, "the certificate stays")

        chain, key = make_pair(secrets, "second.test")
        second = der(chain)
        code, out, err = daemon.cli("reload")
        tap.ok(code == 0 and shown(daemon) == second, "after a reload the new pair is shown", err)

        os.chmod(key, 0o640)
        code, out, err = daemon.cli("reload")
        tap.ok(code == 3 and "RF-809" in err and f"{daemon.file}:{key_line}:" in err and "0640" in err and key in err,
               "a key that a group may read: RF-809 with the line", f"{code} {err}")
        os.chmod(key, 0o600)
        if IS_ROOT:
            os.chown(key, STRANGER, -1)
            code, out, err = daemon.cli("reload")
            tap.ok(code == 3 and "RF-809" in err and f"{daemon.file}:{key_line}:" in err and "chown root" in err,
                   "a key of somebody else: RF-809 with the line and what to do", f"{code} {err}")
            os.chown(key, 0, -1)
            code, out, err = daemon.cli("set", "user.202.password", f"file:{password}")
            tap.ok(code != 0, "a command cannot name a file that only root may read", f"{code} {out} {err}")
        os.chmod(password, 0o604)
        code, out, err = daemon.cli("reload")
        tap.ok(code == 3 and f"{daemon.file}:{password_line}:" in err and "0604" in err,
               "the same for a password's file", f"{code} {err}")
        os.chmod(password, 0o600)
        with open(chain, "w") as f:
            f.write(ssl.DER_cert_to_PEM_cert(first))
        code, out, err = daemon.cli("reload")
        tap.ok(code == 3 and chain in err and "belong" in err, "a certificate of another key is not applied", f"{code} {err}")
        tap.equal(shown(daemon), second, "all the while the good pair was shown")

        with open(chain, "w") as f:
            f.write(ssl.DER_cert_to_PEM_cert(second))
        os.kill(signal_pid, 9)
        tap.ok(daemon.wait_event("daemon.whole", 20) is not None and shown(daemon) == second,
               "a new signal process is given the pair that was applied last")
        log = daemon.log_text() + open(os.path.join(daemon.state, "log.jsonl")).read()
        tap.ok(base64_of_key.decode() not in log and PASSWORDS["201"] not in log, "nothing of it is in the log")
tap.done()
