#!/usr/bin/env python3
"""What stops a start, and what the person is told: a second instance (RF-808), open key files (RF-809), taken ports
(RF-805), a state directory that cannot be used.

# sanitizers: address
"""
import os
import shutil
import socket
import subprocess
import tempfile

import tap
from daemon import RINGFENCE, Daemon, config


def run(conf, state):
    return subprocess.run([RINGFENCE, "run", "--config", conf, "--state", state], capture_output=True, text=True,
                          timeout=30)


with Daemon() as first:
    p = run(first.file, first.state)
    tap.ok(p.returncode == 1 and "RF-808" in p.stderr and str(first.process.pid) in p.stderr and first.state in p.stderr,
           "a second instance is refused, and the first is named", f"exit {p.returncode}\n{p.stderr}")
    link = first.state + ".link"
    os.symlink(first.state, link)
    p = run(first.file, link)
    tap.ok(p.returncode == 1 and "RF-808" in p.stderr, "also by another name of the directory", p.stderr)
    code, out, err = first.cli("status")
    tap.equal(code, 0, "the first one runs on")

    other = os.path.join(first.folder, "other")
    for scheme in ("udp", "tcp", "tls"):
        port = first.ports[scheme][1]
        conf = os.path.join(first.folder, "taken.conf")
        with open(conf, "w") as f:
            f.write(config(listen=f"{scheme}:127.0.0.1:{port}"))
        p = run(conf, other)
        pids = [first.process.pid, *first.children().values()]
        tap.ok(p.returncode == 1 and "RF-805" in p.stderr and f"127.0.0.1:{port}" in p.stderr
               and any(f"(pid {pid})" in p.stderr for pid in pids),
               f"a taken {scheme} port: RF-805 with the address and the program that has it",
               f"exit {p.returncode}\n{p.stderr}")
    chain = os.path.join(first.folder, "chain.pem")
    key = os.path.join(first.folder, "key.pem")
    shutil.copy(os.path.join(first.state, "ca", "server.pem"), chain)
    shutil.copy(os.path.join(first.state, "ca", "server.key"), key)

text = config().replace("sip {\n", "sip {\n    certificate own\n", 1) + \
    f"certificate own {{\n    chain file:CHAIN\n    key file:KEY\n}}\n"
with tempfile.TemporaryDirectory() as folder:
    os.chmod(folder, 0o755)
    with Daemon() as d: # a key and chain that belong together
        for name in ("server.pem", "server.key"):
            shutil.copy(os.path.join(d.state, "ca", name), folder)
        with open(os.path.join(d.state, "ca", "server.key")) as f:
            secret = f.read().splitlines()[2]
    chain, key = os.path.join(folder, "server.pem"), os.path.join(folder, "server.key")
    conf = os.path.join(folder, "ringfence.conf")
    with open(conf, "w") as f:
        f.write(text.replace("CHAIN", chain).replace("KEY", key))
    os.chmod(chain, 0o644)
    for mode in (0o644, 0o640, 0o604, 0o622):
        os.chmod(key, mode)
        p = run(conf, os.path.join(folder, "state"))
        tap.ok(p.returncode == 3 and "RF-809" in p.stderr and key in p.stderr and f"{mode:04o}" in p.stderr
               and secret not in p.stderr, f"a key file of mode {mode:04o} is refused: RF-809, file and mode",
               f"exit {p.returncode}\n{p.stderr}")
    os.chmod(key, 0o600)
    with open(chain, "w") as f:
        f.write("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    p = run(conf, os.path.join(folder, "state"))
    tap.ok(p.returncode == 3 and chain in p.stderr and conf + ":" in p.stderr and "ready" not in p.stderr,
           "a chain that is none is refused: exit 3, the file and the line that names it",
           f"exit {p.returncode}\n{p.stderr}")

    # The local authority's key was opened to others behind our back.
    plain = os.path.join(folder, "plain.conf")
    with open(plain, "w") as f:
        f.write(config())
    with Daemon(text=open(plain).read(), folder=os.path.join(folder)) as d:
        pass
    os.chmod(os.path.join(folder, "state", "ca", "server.key"), 0o644)
    p = run(plain, os.path.join(folder, "state"))
    tap.ok(p.returncode == 1 and "RF-809" in p.stderr, "so is our own key file when others may read it",
           f"exit {p.returncode}\n{p.stderr}")

    broken = os.path.join(folder, "a-file")
    open(broken, "w").close()
    p = run(plain, broken)
    tap.ok(p.returncode == 1 and broken in p.stderr, "a file where the state directory should be is refused", p.stderr)

    # A store that is garbage is not thrown away.
    state = os.path.join(folder, "state2")
    with Daemon(text=open(plain).read(), folder=folder, start=False) as d:
        d.state = state
        d.start()
    name = next(n for n in os.listdir(state) if n.endswith((".db", ".sqlite", ".sqlite3")))
    garbage = b"not a database " * 4000
    with open(os.path.join(state, name), "wb") as f:
        f.write(garbage)
    for extra in ("-wal", "-shm"):
        if os.path.exists(os.path.join(state, name + extra)):
            os.unlink(os.path.join(state, name + extra))
    p = run(plain, state)
    tap.ok(p.returncode == 1 and "ready" not in p.stderr.replace("already", ""), "a store that is no database stops the start",
           f"exit {p.returncode}\n{p.stderr}")
    tap.ok(open(os.path.join(state, name), "rb").read() == garbage, "and is left as it is")
tap.done()
