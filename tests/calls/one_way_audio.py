#!/usr/bin/env python3
"""Audio that reaches one party alone is found within seconds and named: RF-401, with the cause that counters show.

Four real calls at once. In three of them one phone stops, forges or never begins to send while the other goes on; in
the fourth its packets come from a port that nobody signalled.

# sanitizers: address thread
"""
import json
import os
import socket
import subprocess
import time

import tap
from calls import PlainCall
from daemon import BUILD, DOMAIN, Daemon

USERS = {str(n): f"glass-owl-{n}" for n in range(201, 209)}
SRTP = {u: "off" if u > "206" else "required" for u in USERS}
PHONE = os.path.join(BUILD, "rf-phone")
SECONDS = "16"  # the second half has to be longer than the 3 s after which it is told, also with a sanitizer


def phone(daemon, user, *more):
    host, port = daemon.ports["tls"]
    return subprocess.Popen([PHONE, "--user", user, "--password", USERS[user], "--domain", DOMAIN, "--server",
                             f"{host}:{port}", "--transport", "tls", "--trust", f"{daemon.state}/ca/ca.pem",
                             "--server-name", DOMAIN, "--srtp", "required", "--tone", "440", *more],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_word(process, word):
    return any(line.strip() == word for line in process.stderr)


def leg_of(record, user):
    return next(leg for leg in record["legs"] if leg["user"] == user)["media"]


def shown(daemon, caller):
    """The live call of this user."""
    ids = [c["id"] for c in daemon.cli("calls", json_out=True) if c["from"] == caller]
    return daemon.cli("call", "show", ids[0], json_out=True)[0] if ids else None


def told(daemon, caller, user, seconds=25):
    """The call, once the daemon says that no audio comes from this user."""
    deadline = time.time() + seconds
    while time.time() < deadline:
        call = shown(daemon, caller)
        if call is not None and "no_audio" in leg_of(call, user):
            return call
        time.sleep(0.3)
    return None


with Daemon(workers=2, threads=2, users=USERS, srtp=SRTP) as daemon:
    pairs = {"201": ("202", "--mute", "nothing-arrives-any-more"), "203": ("204", "--forging", "authentication-fails"),
             "205": ("206", "--silent", "nothing-arrived")}
    phones = []
    for caller, (callee, flag, _) in pairs.items():
        phones.append(phone(daemon, callee, "--answer", "--seconds", "36"))  # the caller hangs up
        assert wait_word(phones[-1], "registered"), f"{callee} could not register"
    for caller, (callee, flag, _) in pairs.items():
        phones.append(phone(daemon, caller, "--call", callee, "--seconds", SECONDS, flag))
        assert wait_word(phones[-1], "up"), f"the call of {caller} was not answered"
    plain = PlainCall(daemon, "tcp", "207", "208", USERS)
    plain.establish()
    time.sleep(1.5)
    tap.equal([c.get("code") for c in daemon.cli("calls", json_out=True) if c["from"] in ("201", "203")], [None, None],
              "calls in which both are heard bear no code")
    usual, other = plain.media_b.socket, socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    other.bind(("127.0.0.1", 0))
    plain.media_b.socket = other

    call = told(daemon, "207", "208")
    tap.ok(call is not None and leg_of(call, "208")["no_audio"]["cause"] == "from-another-address",
           "packets from a port that nobody signalled: RF-401 names them", call)
    tap.ok(call is not None and "no_audio" not in leg_of(call, "207"), "and nothing is said of the other direction", call)
    plain.media_b.socket = usual
    over = daemon.wait_event("call.one_way_audio_over", 10, who="208")
    tap.ok(over is not None, "when they come from the right port again, the log says that it is over")
    call = shown(daemon, "207")
    tap.ok(call["code"] != "RF-401" and leg_of(call, "208")["no_audio"]["to_the_last"] is False,
           "the call bears the code no longer, its evidence keeps what was", call)
    other.close()

    for caller, (callee, flag, cause) in pairs.items():
        call = told(daemon, caller, caller)
        tap.ok(call is not None, f"{flag}: the daemon sees that no audio comes from {caller}")
        if call is None:
            continue
        silence = leg_of(call, caller)["no_audio"]
        tap.equal((silence["code"], silence["cause"]), ("RF-401", cause), f"{flag}: its cause")
        tap.ok(call["code"] == "RF-401" and call["sentence"].startswith(f"no audio from {caller}: "),
               f"{flag}: {call.get('sentence')}")
        event = daemon.wait_event("refused", 5, code="RF-401", who=caller)
        tap.ok(event is not None and event["cause"] == cause, f"{flag}: one line in the log names it", event)
    out = daemon.cli("call", "show", call["id"])[1]
    tap.ok("RF-401 none for" in out and "nothing-arrived" in out, "call show prints it", out)
    for process in phones:
        out, _ = process.communicate(timeout=60)
        tap.ok(process.returncode == 0, "a phone did what it was told", out)
    record = daemon.cli("call", "show", call["id"], json_out=True)[0]
    tap.ok(record["state"] == "ended" and leg_of(record, "205")["no_audio"]["to_the_last"],
           "the record says that it lasted to the end", record)
    tap.equal(leg_of(record, "206")["in"]["authentic"] > 300, True, "while the other one was heard")
    seen = json.loads(daemon.cli("explain", "RF-401", "--json")[1])
    tap.equal(seen["seen"], 4, "explain RF-401 counts what this log has of it")
    tap.ok(seen["last"]["msg"].startswith("no audio from "), "and repeats the last one", seen)
    plain.close()
tap.done()
