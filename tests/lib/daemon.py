"""tests/lib/daemon.py - starts the real daemon in a folder of its own, on ports of its own, and stops it."""
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time

import tap
from ports import free_ports

BUILD = os.environ.get("RF_BUILD", os.path.join(tap.ROOT, "build"))
RINGFENCE = os.path.join(BUILD, "ringfence")
DOMAIN = "ringfence.test"
PASSWORDS = {"201": "tidal-copper-41", "202": "birch-lamp-73", "203": "salt-river-08"}


def config(listen="udp:127.0.0.1:0 tcp:127.0.0.1:0 tls:127.0.0.1:0", users=None, workers=1, threads=1, more="",
           srtp=None, require_tls=False, sip="", of_user=None, ports=400):
    """Text of a configuration with users 201 to 203 (or those given as {name: password}); of_user: more lines of a user's
    block."""
    users = users or PASSWORDS
    srtp = srtp or {"201": "required", "202": "required", "203": "optional"}
    first = free_ports(ports)
    text = f"""domain {DOMAIN}
platform pbx
security-profile secure
sip {{
    listen {listen}
    {sip}
}}
signal {{
    workers {workers}
}}
media {{
    ports {first}-{first + ports - 1}
    threads {threads}
}}
"""
    for name, password in users.items():
        text += f"user {name} {{\n    password {password}\n    srtp {srtp.get(name, 'required')}\n"
        text += f"    require-tls {'on' if require_tls else 'off'}\n    {(of_user or {}).get(name, '')}\n}}\n"
    return text + more


def connection(name, kind, *lines, side="customer", srtp="off", out="auto"):
    """Text of a sip-connection that takes every transport and, unless told otherwise, plain RTP; out: the transport of ours."""
    ways = [("outbound", out), ("inbound", "auto")] if side == "customer" else [("outbound", "auto"), ("inbound", out)]
    text = f"sip-connection {name} {{\n    type {kind}\n    side {side}\n    require-tls off\n"
    text += "".join(f"    {line}\n" for line in lines)
    for way, transport in ways:
        text += f"    {way} {{\n        sip-transport-protocol {transport}\n        srtp {srtp}\n    }}\n"
    return text + "}\n"


def sanitizer_env():
    """The daemon's environment: its processes may not fork (sandbox), so a sanitizer must not start a symbolizer in them."""
    env = dict(os.environ)
    if os.environ.get("RF_VARIANT") == "address":
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"):
            env[name] = ":".join(filter(None, [env.get(name), "symbolize=0"]))
    return env


def with_places(text):
    """A report's (FILE+0xOFFSET) with function, file and line."""
    def place(m):
        p = subprocess.run(["llvm-symbolizer", "-e", m[1], m[2]], capture_output=True, text=True)
        return " ".join(p.stdout.split()[:2]) or m[0]
    return re.sub(r"\((/[^()+]+)\+(0x[0-9a-f]+)\)", place, text) if shutil.which("llvm-symbolizer") else text


class Daemon:
    def __init__(self, text=None, folder=None, start=True, **kw):
        self.folder = folder or tempfile.mkdtemp(prefix="ringfence-test-")
        os.chmod(self.folder, 0o755)
        self.own = folder is None
        self.state = os.path.join(self.folder, "state")
        self.file = os.path.join(self.folder, "ringfence.conf")
        if text is None:
            text = config(**kw)
        if text:
            with open(self.file, "w") as f:
                f.write(text)
        self.process = None
        self.ports = {}
        if start:
            self.start()

    def start(self, wait=True, seconds=90 if os.environ.get("RF_VARIANT") == "thread" else 30):
        """seconds: what it may take; the thread sanitizer reads hundreds of certificates some fifty times slower."""
        self.err_path = os.path.join(self.folder, "stderr")
        self.err = open(self.err_path, "a")
        self.mark = os.path.getsize(self.err_path)
        self.process = subprocess.Popen([RINGFENCE, "run", "--config", self.file, "--state", self.state],
                                        stdin=subprocess.DEVNULL, stdout=self.err, stderr=self.err, env=sanitizer_env())
        if wait:
            event = self.wait_event("daemon.ready", seconds)
            if event is None:
                raise RuntimeError("the daemon did not become ready:\n" + self.log_text()[-3000:])
            self.ready = event
            self.ports = {}
            for item in event["listen"]:
                scheme, rest = item.split(":", 1)
                host, port = rest.rsplit(":", 1)
                self.ports.setdefault(scheme, (host.strip("[]"), int(port)))

    def log_text(self):
        return open(self.err_path, errors="replace").read()

    def events(self, since=None):
        with open(self.err_path, errors="replace") as f:
            f.seek(self.mark if since is None else since)
            for line in f:
                try:
                    yield json.loads(line)
                except ValueError:
                    pass

    def wait_event(self, name, seconds=10, **fields):
        """The first log event with this name and these fields since the daemon was started, or None."""
        deadline = time.time() + seconds
        while True:
            for event in self.events():
                if event.get("event") == name and all(event.get(k) == v for k, v in fields.items()):
                    return event
            if time.time() > deadline or self.process.poll() is not None:
                return None
            time.sleep(0.05)

    def ended(self, count, *words):
        """Records of calls that ended, `count` of them at least: one is made a moment after its BYE was answered."""
        deadline = time.time() + 10
        while True:
            rows = self.cli("calls", "--ended", *words, json_out=True)
            if len(rows) >= count or time.time() > deadline:
                return rows
            time.sleep(0.1)

    def cli(self, *words, stdin=None, json_out=False):
        """Run a ringfence command against this daemon: (exit status, stdout, stderr) or the parsed JSON."""
        args = [RINGFENCE, *words, "--state", self.state]
        if json_out:
            args.append("--json")
        p = subprocess.run(args, input=stdin, capture_output=True, text=True, timeout=60)
        if json_out:
            return [json.loads(line) for line in p.stdout.splitlines() if line.strip()]
        return p.returncode, p.stdout, p.stderr

    def wait_registered(self, user, seconds=45):
        """True once this user has a reachable contact."""
        deadline = time.time() + seconds
        while time.time() < deadline:
            if any(r["user"] == user for r in self.cli("registrations", json_out=True)):
                return True
            time.sleep(0.2)
        return False

    def children(self):
        """{"signal": pid, "media": pid} as they run now."""
        found = {}
        pid = self.process.pid
        for entry in os.listdir("/proc"):
            if not entry.isdigit():
                continue
            try:
                stat = open(f"/proc/{entry}/stat").read()
                if int(stat.rsplit(")", 1)[1].split()[1]) != pid:
                    continue
                words = open(f"/proc/{entry}/cmdline").read().replace("\0", " ")
            except OSError:
                continue
            for name in ("signal", "media"):
                if f"ringfence: {name}" in words:
                    found[name] = int(entry)
        return found

    def stop(self, seconds=20):
        """SIGTERM; True when it ended by itself with status 0."""
        if self.process is None or self.process.poll() is not None:
            return self.process is not None and self.process.returncode == 0
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(seconds) == 0
        except subprocess.TimeoutExpired:
            self.kill()
            return False

    def kill(self):
        """kill -9 of all three at once: the parent is stopped first, or it would start a child that died anew."""
        os.kill(self.process.pid, signal.SIGSTOP)
        pids = [*self.children().values(), self.process.pid]
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()
        deadline = time.time() + 10
        while time.time() < deadline and any(os.path.exists(f"/proc/{pid}") for pid in pids):
            time.sleep(0.01)

    def sanitizer_reports(self):
        """What a sanitizer said in any of the processes: must be empty."""
        words = ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "WARNING: ThreadSanitizer", "runtime error:",
                 "this must hold:", "sandbox.refused")
        lines = self.log_text().splitlines()
        return [i for i, line in enumerate(lines) if any(w in line for w in words)]

    def close(self):
        ended = self.stop()
        self.err.close()
        found = self.sanitizer_reports()
        if found:
            tap.ok(False, "no process of the daemon did anything undefined",
                   with_places("\n".join(self.log_text().splitlines()[found[0]:found[0] + 40])))
        if self.own:
            shutil.rmtree(self.folder, ignore_errors=True)
        return ended

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        if exc[0] is not None:
            tap.note(self.log_text()[-4000:])
        self.close()
