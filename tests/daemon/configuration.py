#!/usr/bin/env python3
"""A wrong configuration stops a start with file:line:column and changes nothing that runs; a right one is applied
without dropping a connection or a call; what was set by command survives a restart.

# sanitizers: address
"""
import os
import signal
import subprocess
import tempfile
import time

import sip
import tap
from calls import PlainCall
from daemon import DOMAIN, RINGFENCE, Daemon, config

USERS = {"203": "salt-river-08", "204": "moss-wheel-55"}
OPTIONAL = {"203": "optional", "204": "optional"}
WRONG = [
    ("domian x\n", ":1:1:", "an unknown setting"),
    ("domain a.test\nsip {\n    srtp maybe\n}\n", ":3:10:", "a value that is none"),
    ("domain a.test\nsip {\n", ":2:", "a block without its end"),
    ("domain a.test\n\0\n", ":2:1:", "a NUL octet"),
    ("sip {\n    listen udp:127.0.0.1:99999\n}\n", ":2:12:", "a port above 65535"),
    ("user 201 {\n    password x\n}\nuser 201 {\n    password y\n}\n", ":4:1:", "a user described twice"),
    ("import /nowhere/at/all.conf\n", ":1:", "an import that is not there"),
]

with tempfile.TemporaryDirectory() as folder:
    os.chmod(folder, 0o755)
    path = os.path.join(folder, "ringfence.conf")
    state = os.path.join(folder, "state")

    def run():
        return subprocess.run([RINGFENCE, "run", "--config", path, "--state", state], capture_output=True, text=True,
                              timeout=30)

    for text, where, what in WRONG:
        with open(path, "w") as f:
            f.write(text)
        p = run()
        tap.ok(p.returncode == 3 and path + where in p.stderr, f"{what}: exit 3 and file:line:column",
               f"exit {p.returncode}\n{p.stderr}")
    os.unlink(path)
    p = run()
    tap.ok(p.returncode == 3 and path in p.stderr, "no such file: exit 3 and its name", p.stderr)
    os.mkdir(path)
    p = run()
    tap.ok(p.returncode == 3 and path in p.stderr, "a folder in its place: exit 3 and its name", p.stderr)

with Daemon(users=USERS, srtp=OPTIONAL, workers=2, more="security {\n    strict-keys off\n}\n") as daemon:
    call = PlainCall(daemon, "tcp", passwords=USERS)
    call.establish()
    good = open(daemon.file).read()

    with open(daemon.file, "a") as f:
        f.write("user 205 {\n    pasword x\n}\n")
    line = good.count("\n") + 2
    code, out, err = daemon.cli("reload")
    tap.ok(code == 3 and f"{daemon.file}:{line}:5" in out + err, "reload of a broken file: exit 3, and where it breaks",
           f"exit {code}\n{out}{err}")
    tap.ok(daemon.wait_event("refused", 2, code="RF-810") is not None, "the log says so (RF-810)")
    os.rename(daemon.file, daemon.file + ".away")
    code, out, err = daemon.cli("reload")
    tap.ok(code == 3 and daemon.file in out + err, "reload without a file: exit 3 and its name", f"exit {code}\n{out}{err}")
    os.rename(daemon.file + ".away", daemon.file)
    tap.equal(call.a.register("203", USERS["203"], DOMAIN).status, 200, "users sign in as before")
    tap.equal(len(daemon.cli("calls", json_out=True)), 1, "the call is still up")

    with open(daemon.file, "w") as f:
        f.write(good.replace("user 204 {\n    password moss-wheel-55\n    srtp optional",
                             "user 204 {\n    password moss-wheel-55\n    srtp required")
                + "user 205 {\n    password fern-gate-19\n    srtp off\n    require-tls off\n}\n")
    code, out, err = daemon.cli("reload")
    tap.ok(code == 0, "reload of a right file: exit 0", f"exit {code}\n{out}{err}")
    new = sip.Endpoint("tcp", daemon.ports["tcp"])
    tap.equal(new.register("205", "fern-gate-19", DOMAIN).status, 200, "a new user registers")
    last = None
    for last in sip.call(new, "205", "fern-gate-19", DOMAIN, "204", sip.sdp("127.0.0.1", 40000), 2):
        break
    offer = call.b.wait(lambda m: m.method == "INVITE", 5)
    tap.ok(offer is not None and b"RTP/SAVP" in offer.body and b"a=crypto" in offer.body,
           "srtp required is in force for the next call", offer and offer.text)
    if offer is not None:
        call.b.reply(offer, 486, "Busy Here", sip.token(4))
    tap.equal(call.a.register("203", USERS["203"], DOMAIN).status, 200, "connections stay through a reload")
    call.a_dialog.request("BYE")
    reply = call.a.wait(lambda m: m.status and "BYE" in m.get("cseq"), 5)
    tap.equal(reply and reply.status, 200, "the call stayed up through it, and ends by its BYE")
    bye = call.b.wait(lambda m: m.method == "BYE", 5)
    tap.ok(bye is not None, "its other side is told")
    if bye is not None:
        call.b.reply(bye, 200, "OK")
    new.close()
    call.close()

    # --- the store's layer ---
    def cli(*words, stdin=None):
        return daemon.cli(*words, stdin=stdin)

    tap.equal(cli("user", "add", "301", stdin="quiet-harbor-2\n")[0], 0, "user add")
    code, out, err = cli("user", "set", "301", "--srtp", "off", "--require-tls", "off")
    tap.ok(code == 0, "user set", f"exit {code}\n{out}{err}")
    tap.equal(cli("set", "sip.ring-time", "45s")[0], 0, "set")
    code, out, err = cli("get", "sip.ring-time")
    tap.ok(code == 0 and "45s" in out, "get", f"exit {code}\n{out}{err}")
    code, out, err = cli("set", "sip.ring-time", "yes")
    tap.ok(code != 0 and "ring-time" in out + err, "set of a value that is none is refused", f"exit {code}\n{out}{err}")
    code, out, err = cli("set", "domain", "other.test")
    tap.ok(code == 7 and daemon.file in out + err, "what the file says cannot be set by command, and where it says so",
           f"exit {code}\n{out}{err}")
    end = sip.Endpoint("udp", daemon.ports["udp"])
    tap.equal(end.register("301", "quiet-harbor-2", DOMAIN).status, 200, "the new user registers at once")
    code, exported, err = cli("config", "export")
    tap.ok(code == 0 and "user 301" in exported and "45s" in exported and "quiet-harbor" not in exported,
           "config export has it without the password", exported + err)
    form = daemon.cli("config", "export", json_out=True)[0]["settings"]
    tap.equal((form["sip"]["ring-time"], form["user"]["301"]["srtp"], form["user"]["301"]["password"]),
              ("45s", cli("get", "user.301.srtp")[1].strip(), "secret:user-301"),
              "config export --json: the same as an object")
    tap.equal(cli("set", "media.crypto-suites", "AEAD_AES_256_GCM AES_CM_128_HMAC_SHA1_80")[0], 0, "a list is set")
    tap.equal(daemon.cli("config", "export", json_out=True)[0]["settings"]["media"]["crypto-suites"],
              ["AEAD_AES_256_GCM", "AES_CM_128_HMAC_SHA1_80"], "and is an array there")
    tap.equal(cli("set", "media.crypto-suites", "--reset")[0], 0, "it is taken back")
    tap.equal(cli("user", "password", "301", stdin="loud-harbor-3\n")[0], 0, "user password")
    tap.equal(end.register("301", "quiet-harbor-2", DOMAIN).status, 401, "the old password is refused")
    tap.equal(end.register("301", "loud-harbor-3", DOMAIN).status, 200, "the new one works")

    daemon.kill()
    daemon.start()
    end.close()
    end = sip.Endpoint("udp", daemon.ports["udp"])
    tap.equal(end.register("301", "loud-harbor-3", DOMAIN).status, 200, "all of it survives kill -9: the user")
    tap.ok("45s" in cli("get", "sip.ring-time")[1], "and the setting")

    layer = os.path.join(daemon.folder, "layer.conf")
    with open(layer, "w") as f:
        f.write(exported.replace("45s", "50s"))
    code, out, err = cli("config", "load", layer, "--yes")
    tap.ok(code == 0 and "50s" in cli("get", "sip.ring-time")[1], "config load replaces the layer", out + err)
    with open(layer, "w") as f:
        f.write("sip {\n    ring-time never\n}\n")
    code, out, err = cli("config", "load", layer, "--yes")
    tap.ok(code == 3 and ":2:" in out + err and "50s" in cli("get", "sip.ring-time")[1],
           "config load of a broken layer: exit 3, where, and nothing changes", f"exit {code}\n{out}{err}")
    tap.equal(end.register("301", "loud-harbor-3", DOMAIN).status, 200, "the user is still there")
    tap.equal(cli("user", "remove", "301", "--yes")[0], 0, "user remove")
    tap.equal(end.register("301", "loud-harbor-3", DOMAIN).status, 401, "who was removed does not sign in")
    rows = daemon.cli("registrations", json_out=True)
    tap.ok(all(r["user"] != "301" for r in rows), "and has no binding left", rows)
    end.close()

# A daemon that stands still: the command says so instead of waiting for ever, and what asks quietly ends as well.
with Daemon(config(users=USERS, srtp={u: "off" for u in USERS})) as daemon:
    os.kill(daemon.children()["signal"], signal.SIGSTOP)
    begun = time.time()
    code, out, err = daemon.cli("status", "--timeout", "2")
    took = time.time() - begun
    tap.ok(code == 4 and "has not answered for 2 s" in err and "fix" in err and 1.5 < took < 10,
           f"a daemon that stands still: exit 4 after {took:.1f} s, and why", f"exit {code}\n{out}{err}")
    os.kill(daemon.children()["signal"], signal.SIGCONT)
    tap.equal(daemon.cli("status")[0], 0, "when it goes on it answers")
    tap.equal(daemon.cli("status", "--timeout", "soon")[0], 2, "--timeout takes a number")
    status = daemon.cli("status", json_out=True)[0]
    tap.equal((status["calls"], status["calls_encrypted"]), (0, 0), "calls and encrypted calls are of one moment")

# Hosted is entered by command, and left by the file alone.
text = "\n".join(l for l in config(users=USERS, listen="tls:127.0.0.1:0").splitlines()
                 if not l.startswith(("platform", "security-profile"))
                 and "srtp" not in l and "require-tls" not in l) + "\n"
with Daemon(text) as daemon:
    code, out, err = daemon.cli("set", "platform", "hosted")
    tap.ok(code == 0, "platform hosted can be set", f"exit {code}\n{out}{err}")
    code, out, err = daemon.cli("set", "platform", "pbx")
    tap.ok(code == 6 and "RF-801" in out + err, "it cannot be unset (exit 6, RF-801)", f"exit {code}\n{out}{err}")
    code, out, err = daemon.cli("config", "load", "/dev/null", "--yes")
    tap.ok(code == 6 and "RF-801" in out + err, "nor by an empty layer", f"exit {code}\n{out}{err}")
    code, out, err = daemon.cli("set", "sip.srtp", "optional")
    tap.ok(code == 6 and "RF-801" in out + err, "and what it enforces cannot be set", f"exit {code}\n{out}{err}")
tap.done()
