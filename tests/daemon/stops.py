"""A daemon that is told to stop while commands, connection tests, handshakes and REGISTERs are under way ends at
once, tells each command so, and leaves nothing behind: no memory (the sanitizer builds see it) and no question without an answer.

# sanitizers: address thread
"""
import random
import socket
import ssl
import subprocess
import threading
import time

import sip
import tap
from daemon import DOMAIN, PASSWORDS, RINGFENCE, Daemon, config, connection

ROUNDS = 12
COMMANDS = [["status"], ["calls"], ["registrations"], ["reload"], ["cert", "list"], ["connection", "list"],
            ["connection", "test", "silent", "--json"], ["connection", "test", "refusing", "--json"],
            ["cert", "automatic"], ["set", "user.201.name", "Ann"]]
# Words with which a command may end that did not get its answer: it was told, or it came when nobody listened any more.
TOLD = ("told to stop", "daemon stops", "not running", "no daemon", "went away", "ended before", "RF-102")

chance = random.Random(7)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
late, unclear, dirty, answered, registered = [], [], [], 0, 0


class Client(threading.Thread):
    """Asks until the daemon is gone; each end of a command is looked at."""

    def __init__(self, daemon):
        super().__init__()
        self.daemon_, self.ends, self.is_over = daemon, [], False

    def run(self):
        while not self.is_over:
            words = chance.choice(COMMANDS)
            p = subprocess.run([RINGFENCE, *words, "--state", self.daemon_.state], capture_output=True, text=True, timeout=60)
            self.ends.append((words, p.returncode, p.stdout + p.stderr))


class Caller(threading.Thread):
    """Handshakes, some broken off in the middle."""

    def __init__(self, daemon):
        super().__init__()
        self.address, self.is_over = daemon.ports["tls"], False

    def run(self):
        while not self.is_over:
            try:
                plain = socket.create_connection(self.address, timeout=2)
                if chance.random() < 0.3:
                    plain.close()
                    continue
                with context.wrap_socket(plain) as tls:
                    tls.sendall(b"OPTIONS sip:ringfence.test SIP/2.0\r\n")
                    time.sleep(chance.random() * 0.1)
            except OSError:
                time.sleep(0.01)


class Phones(threading.Thread):
    """REGISTERs whose answers wait for the store, so that some wait when it stops."""

    def __init__(self, daemon):
        super().__init__()
        self.end, self.is_over, self.accepted = sip.Endpoint("udp", daemon.ports["udp"]), False, 0

    def run(self):
        while not self.is_over:
            try:
                reply = self.end.register("201", PASSWORDS["201"], DOMAIN, timeout=0.3)
                self.accepted += reply is not None and reply.status == 200
            except OSError:
                time.sleep(0.01)
        self.end.close()


with socket.create_server(("127.0.0.1", 0)) as silent, socket.create_server(("127.0.0.1", 0)) as refusing:
    gone = refusing.getsockname()[1]
    refusing.close()
    more = (connection("silent", "fqdn", f"server 127.0.0.1:{silent.getsockname()[1]};transport=tls", "oos-check 0")
            + connection("refusing", "fqdn", f"server 127.0.0.1:{gone};transport=tcp", "oos-check 0"))
    for k in range(ROUNDS):
        daemon = Daemon(text=config(workers=1 + k % 3, more=more, ports=40))
        others = [Client(daemon), Client(daemon), Caller(daemon), Caller(daemon), Phones(daemon), Phones(daemon)]
        for t in others:
            t.start()
        time.sleep(chance.random() * 1.5)
        if not daemon.stop():
            late.append(f"round {k}")
        for t in others:
            t.is_over = True
        for t in others:
            t.join()
        registered += sum(t.accepted for t in others[4:])
        for words, status, text in others[0].ends + others[1].ends:
            if status == 0 or words[:2] == ["connection", "test"] and text.lstrip().startswith("{"):
                answered += 1
            elif not any(w in text for w in TOLD):
                unclear.append(f"round {k}: {' '.join(words)}: status {status}: {text[-300:]}")
        if daemon.sanitizer_reports():
            dirty.append(f"round {k}")  # close() prints what
        daemon.close()

tap.equal(late, [], f"{ROUNDS} times: it ended by itself with status 0")
tap.ok(answered > ROUNDS, f"{answered} commands were answered before")
tap.ok(registered > ROUNDS, f"{registered} REGISTERs were")
tap.ok(not unclear, "the others were told that it stops, or that it does not run", "\n".join(unclear))
tap.equal(dirty, [], "and no process left memory behind")
tap.done()
