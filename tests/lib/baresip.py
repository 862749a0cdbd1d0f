"""tests/lib/baresip.py - baresip 1.0 as a phone: headless, driven over its TCP control socket.

It verifies no certificates, so nothing is concluded about them from it.
"""
import glob
import json
import os
import re
import socket
import subprocess
import time

from ports import free_ports


_ports = iter(())


def free_port():
    """A port for a program that must be told one: of a unit that is ours, and below those that the kernel gives out,
    so that no socket of anybody gets it before the program binds it."""
    global _ports
    port = next(_ports, None)
    if port is None:
        first = free_ports(100)
        _ports = iter(range(first, first + 100))
        port = next(_ports)
    return port


def module_path():
    out = subprocess.run(["dpkg", "-L", "baresip-core"], capture_output=True, text=True).stdout
    return os.path.dirname(next(line for line in out.splitlines() if line.endswith("/srtp.so")))


class Baresip:
    """One phone in a folder of its own. `tone` in hertz is what it sends; what it hears is recorded."""

    def __init__(self, folder, user, password, domain, outbound, transport="tls", mediaenc="srtp-mand",
                 tone=440, answer=False, extra="", apps=()):
        os.makedirs(folder, exist_ok=True)
        self.folder, self.user, self.tone = folder, user, tone
        self.control = free_port()
        sip = free_port()
        free_port()  # baresip listens for TLS at the next one
        wave = os.path.join(folder, "tone.wav")
        subprocess.run(["sox", "-n", "-r", "8000", "-c", "1", "-b", "16", wave, "synth", "60", "sine", str(tone),
                        "gain", "-10"], check=True)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-subj", f"/CN={user}", "-days", "2", "-keyout", os.path.join(folder, "key.pem"), "-out",
                        os.path.join(folder, "cert.pem")], check=True, capture_output=True)
        both = os.path.join(folder, "both.pem")
        with open(both, "w") as f:
            f.write(open(os.path.join(folder, "key.pem")).read() + open(os.path.join(folder, "cert.pem")).read())
        with open(os.path.join(folder, "config"), "w") as f:
            f.write(f"""poll_method epoll
sip_listen 127.0.0.1:{sip}
sip_certificate {both}
sip_trans_def {transport}
audio_source aufile,{wave}
audio_player aufile,{folder}/played.wav
rtp_timeout 20
net_interface 127.0.0.1
module_path {module_path()}
module stdio.so
module g711.so
module aufile.so
module srtp.so
module sndfile.so
module_tmp account.so
module_tmp uuid.so
module_app ctrl_tcp.so
module_app menu.so
{"".join(f"module_app {a}.so" + chr(10) for a in apps)}ctrl_tcp_listen 127.0.0.1:{self.control}
snd_path {folder}
""")
        mode = "auto" if answer else "manual"
        enc = f";mediaenc={mediaenc}" if mediaenc else ""
        with open(os.path.join(folder, "accounts"), "w") as f:
            f.write(f'<sip:{user}@{domain};transport={transport}>;auth_user={user};auth_pass={password}'
                    f';outbound="{outbound}";regint=120{enc};audio_codecs=pcmu;answermode={mode}{extra}\n')
        open(os.path.join(folder, "contacts"), "w").close()
        self.log = open(os.path.join(folder, "log"), "w+")
        self.process = subprocess.Popen(["baresip", "-f", folder, "-v", "-s"], stdout=self.log,
                                        stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        self.socket = None
        self.buffer = b""
        self.events = []

    def _connect(self, deadline):
        while self.socket is None:
            try:
                self.socket = socket.create_connection(("127.0.0.1", self.control), timeout=1)
            except OSError:
                if time.time() > deadline:
                    raise
                time.sleep(0.1)

    def command(self, word, params="", seconds=10):
        self._connect(time.time() + seconds)
        text = json.dumps({"command": word, "params": params, "token": "t"})
        self.socket.sendall(f"{len(text)}:{text},".encode())

    def _read(self, seconds):
        self.socket.settimeout(max(seconds, 0.01))
        try:
            data = self.socket.recv(65536)
        except (TimeoutError, socket.timeout):
            return
        self.buffer += data
        while m := re.match(rb"(\d+):", self.buffer):
            n = int(m.group(1))
            start = m.end()
            if len(self.buffer) < start + n + 1:
                return
            self.events.append(json.loads(self.buffer[start:start + n]))
            self.buffer = self.buffer[start + n + 1:]

    def wait_event(self, kind, seconds=15):
        """The first event of this type since the last call of it, or None."""
        deadline = time.time() + seconds
        self._connect(deadline)
        while True:
            for i, event in enumerate(self.events):
                if event.get("type") == kind:
                    del self.events[:i + 1]
                    return event
            if time.time() > deadline:
                return None
            self._read(min(0.5, deadline - time.time()))

    def heard_hertz(self, last=None):
        """The frequency of what was received and decoded, from its zero crossings; None: nothing recorded. last: of the
        last so many seconds alone."""
        files = sorted(glob.glob(os.path.join(self.folder, "dump-*-dec.wav")), key=os.path.getmtime)
        if not files:
            return None
        out = subprocess.run(["sox", files[-1], "-n", *(["trim", f"-{last}"] if last else []), "stat"], capture_output=True, text=True).stderr
        m = re.search(r"Rough\s+frequency:\s+(\d+)", out)
        return int(m.group(1)) if m else None

    def text(self):
        self.log.flush()
        return open(os.path.join(self.folder, "log")).read()

    def close(self):
        try:
            if self.process.poll() is None:
                self.command("quit", seconds=1)
        except OSError:
            pass
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.socket:
            self.socket.close()
        self.log.close()
