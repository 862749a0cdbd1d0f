#!/usr/bin/env python3
"""Listeners come and go by `reload` while a call is up: what stays keeps its connections and loses no packet, what is
added serves at all workers, what is removed takes no new connection and keeps those that it has; a port that is taken
changes nothing, neither what runs nor what the store has.

# sanitizers: address, thread
"""
import os
import random
import re
import signal
import socket
import threading
import time

import sip
import tap
from calls import PlainCall
from daemon import DOMAIN, Daemon, config

USERS = {"203": "salt-river-08", "204": "moss-wheel-55", "205": "fern-anvil-12", "206": "pike-ember-90"}
OFF = dict.fromkeys(USERS, "off")
SLOW = os.environ.get("RF_VARIANT", "plain") != "plain"
STAYS = "udp:127.0.0.1:0 tcp:127.0.0.1:0"


def free_port(kind=socket.SOCK_STREAM, family=socket.AF_INET):
    """Below what the kernel gives to connections, or one of our own phones may have it in a moment."""
    while True:
        port = random.randrange(10000, 20000)
        with socket.socket(family, kind) as s:
            try:
                s.bind(("::1" if family == socket.AF_INET6 else "0.0.0.0", port))
                return port
            except OSError:
                pass


def listen(daemon, items):
    """Write the listeners into the file and reload; the answer."""
    text = open(daemon.file).read()
    with open(daemon.file, "w") as f:
        f.write(re.sub(r"listen .*", "listen " + items, text, count=1))
    return daemon.cli("reload", json_out=False)


def registers(transport, server, tries=1, user="203"):
    """How many of so many connections are served."""
    n = 0
    for _ in range(tries):
        try:
            end = sip.Endpoint(transport, server, timeout=10)
            # One contact for all of these: a user has only so many bindings.
            reply = end.register(user, USERS[user], DOMAIN, contact=f"<sip:{user}@127.0.0.1:9>")
            n += reply is not None and reply.status == 200
            end.close()
        except OSError:
            pass
    return n


def is_refused(server, within=5):
    """Nobody listens there (any more)."""
    deadline = time.time() + within
    while time.time() < deadline:
        try:
            socket.create_connection(server, 2).close()
        except ConnectionRefusedError:
            return True
        except OSError:
            pass
        time.sleep(0.05)
    return False


def status(daemon):
    return daemon.cli("status", json_out=True)[0]


text = config(listen=STAYS, users=USERS, srtp=OFF, workers=3)
with Daemon(text) as daemon:
    call = PlainCall(daemon, "tcp", passwords=USERS)
    call.establish()
    first = daemon.ports["tcp"]
    tcp2, tls2 = ("127.0.0.1", free_port()), ("127.0.0.1", free_port())
    udp2 = ("127.0.0.1", free_port(socket.SOCK_DGRAM))
    wants = [f"tcp:127.0.0.1:{tcp2[1]}", f"udp:127.0.0.1:{udp2[1]}", f"tls:127.0.0.1:{tls2[1]}"]
    code, out, err = listen(daemon, " ".join([STAYS, *wants]))
    tap.ok(code == 0 and "sip.listen" in out + err and "restart" not in out + err,
           "reload takes new listeners and asks for no restart", out + err)
    tap.equal(registers("tcp", tcp2, 12), 12, "an added TCP listener serves, at whichever worker")
    tap.equal(registers("tls", tls2, 6), 6, "so does one of TLS")
    tap.equal(registers("udp", udp2, 6), 6, "and one of UDP")
    tap.ok(sum(w["messages_in"] > 0 for w in status(daemon)["worker"]) >= 2, "several workers took part")
    shown = status(daemon)["listen"]
    tap.ok(len(shown) == 5 and all(w in shown for w in wants), "status shows them", shown)

    # A connection made at the first listener outlives it; it takes no other.
    code, out, err = listen(daemon, " ".join(["udp:127.0.0.1:0", *wants]))
    tap.ok(code == 0, "a listener is taken out", out + err)
    tap.ok(is_refused(first), "it takes no new connection")
    reply = call.a.register("203", USERS["203"], DOMAIN)
    tap.ok(reply is not None and reply.status == 200, "a connection that it had is served on")
    tap.equal(registers("tcp", tcp2, 3), 3, "the others serve on")
    tap.equal(registers("udp", daemon.ports["udp"], 3), 3, "and the one that stayed from the beginning")

    # The same address with another transport: the sockets are taken over.
    code, out, err = listen(daemon, f"udp:127.0.0.1:0 {wants[1]} {wants[2]} tls:127.0.0.1:{tcp2[1]}")
    tap.ok(code == 0, "tcp becomes tls at one address", out + err)
    tap.equal(registers("tls", tcp2, 3), 3, "and speaks TLS")

    # The wildcard gives way to one address of its port.
    port = free_port()
    code, out, err = listen(daemon, f"udp:127.0.0.1:0 {wants[2]} tcp:0.0.0.0:{port}")
    tap.ok(code == 0 and registers("tcp", ("127.0.0.2", port), 2) == 2, "a listener at all addresses", out + err)
    code, out, err = listen(daemon, f"udp:127.0.0.1:0 {wants[2]} tcp:127.0.0.1:{port}")
    tap.ok(code == 0 and is_refused(("127.0.0.2", port)) and registers("tcp", ("127.0.0.1", port), 2) == 2,
           "shrinks to one of them", out + err)
    event = daemon.wait_event("refused", 2, code="RF-811")
    tap.ok(event is not None and "127.0.0.1" in event["msg"], "media that would need another address: RF-811 says so",
           event)

    # IPv6 beside IPv4: media gets its ports there as well.
    if socket.has_ipv6:
        six = ("::1", free_port(family=socket.AF_INET6))
        code, out, err = listen(daemon, f"udp:127.0.0.1:0 {wants[2]} tcp:127.0.0.1:{port} tcp:[::1]:{six[1]}")
        tap.ok(code == 0 and registers("tcp", six, 2) == 2, "an IPv6 listener is added", out + err)
        ends = [sip.Endpoint("tcp", six) for _ in range(2)]
        for end, user in zip(ends, ("205", "206")):  # phones of one family alone
            end.register(user, USERS[user], DOMAIN)
        six_sdp = sip.sdp("127.0.0.1", 41000).replace("IP4 127.0.0.1", "IP6 ::1")
        calling = sip.call(ends[0], "205", USERS["205"], DOMAIN, "206", six_sdp)
        next(calling, None)
        invite = ends[1].wait(lambda m: m.method == "INVITE", 10)
        tap.ok(invite is not None and b"IN IP6 ::1" in invite.body and b"m=audio 0 " not in invite.body,
               "its calls have media ports", invite and invite.text)
        if invite is not None:
            ends[1].reply(invite, 486, "Busy Here", sip.token(4))
            list(calling)
        for end in ends:
            end.close()

    # A port that somebody else has: nothing changes.
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    taken.listen(1)
    before = status(daemon)["listen"]
    was = open(daemon.file).read()
    code, out, err = listen(daemon, f"udp:127.0.0.1:0 tcp:127.0.0.1:{free_port()} tcp:127.0.0.1:{taken.getsockname()[1]}")
    tap.ok(code == 3 and "RF-805" in out + err and "taken" in out + err, "a taken port is refused by its code", (code, out, err))
    tap.equal(status(daemon)["listen"], before, "and nothing has changed")
    tap.equal(registers("tcp", ("127.0.0.1", port), 2), 2, "what listened still does")
    with open(daemon.file, "w") as f:
        f.write(was)

    # Threads still need a restart.
    with open(daemon.file, "w") as f:
        f.write(was.replace("threads 1", "threads 2"))
    code, out, err = daemon.cli("reload")
    tap.ok(code == 0 and "RF-811" in out, "a number of threads waits for a restart, and RF-811 says so", out + err)
    with open(daemon.file, "w") as f:
        f.write(was)
    daemon.cli("reload")

    # Reloads that change listeners, while phones connect to one that stays.
    flaps, stop, bad, good = free_port(), threading.Event(), [], [0]

    def connect():
        while not stop.is_set():
            try:
                end = sip.Endpoint("tcp", ("127.0.0.1", port), timeout=20)
                end.send(end.request("OPTIONS", f"sip:{DOMAIN}", [f"From: <sip:x@{DOMAIN}>;tag=1", f"To: <sip:{DOMAIN}>",
                                                                  f"Call-ID: {sip.token()}", "CSeq: 1 OPTIONS"]))
                reply = end.receive(20)
                if reply is None or reply.status != 200:
                    bad.append(reply and reply.start)
                good[0] += 1
                end.close()
            except OSError as e:
                bad.append(repr(e))

    threads = [threading.Thread(target=connect) for _ in range(3)]
    for t in threads:
        t.start()
    rounds, codes = 6 if SLOW else 30, []
    for n in range(rounds):
        extra = f" tcp:127.0.0.1:{flaps}" if n % 2 == 0 else ""
        codes.append(listen(daemon, f"udp:127.0.0.1:0 {wants[2]} tcp:127.0.0.1:{port}" + extra)[0])
    stop.set()
    for t in threads:
        t.join()
    tap.ok(codes == [0] * rounds, f"{rounds} reloads, each with a listener more or less", codes)
    tap.ok(not bad and good[0] > 20, f"none of {good[0]} connections at the listener that stays was refused", bad[:5])

    # Reloads of many at once are one after the other.
    asks = [threading.Thread(target=lambda: codes.append(daemon.cli("reload")[0])) for _ in range(6)]
    codes.clear()
    for t in asks:
        t.start()
    for t in asks:
        t.join()
    tap.equal(codes, [0] * 6, "reloads that are asked for at once are all answered")

    # The next signal process gets what is in force now.
    call.media_a.stop()
    call.media_b.stop()
    tap.ok(call.media_a.lost() == 0 and len(call.media_a.received) > 50, "the call lost no packet in all of this",
           (call.media_a.lost(), len(call.media_a.received)))
    call.a_dialog.request("BYE")
    bye = call.b.wait(lambda m: m.method == "BYE", 10)
    tap.ok(bye is not None, "and ends on its connections, whose listener is long gone")
    if bye is not None:
        call.b.reply(bye, 200, "OK")
    call.close()
    shown = status(daemon)["listen"]
    old = daemon.children()["signal"]
    os.kill(old, signal.SIGKILL)
    deadline = time.time() + 30
    served = 0
    while time.time() < deadline and served == 0:
        time.sleep(0.2)
        if daemon.children().get("signal") not in (None, old):
            served = registers("tcp", ("127.0.0.1", port))
    tap.equal(served, 1, "after kill -9 of signal the listeners of the last reload serve")
    tap.equal(status(daemon)["listen"], shown, "those and no others")

    # Only the parent may bind a port below 1024, and it still may.
    if os.geteuid() == 0:
        low = None
        for candidate in range(1023, 900, -1):
            s = socket.socket()
            try:
                s.bind(("127.0.0.1", candidate))
                low = candidate
            except OSError:
                pass
            s.close()
            if low:
                break
        uid = re.search(r"Uid:\s+(\d+)", open(f"/proc/{daemon.children()['signal']}/status").read()).group(1)
        code, out, err = listen(daemon, f"udp:127.0.0.1:0 tcp:127.0.0.1:{port} tcp:127.0.0.1:{low}")
        tap.ok(uid != "0" and code == 0 and registers("tcp", ("127.0.0.1", low), 3) == 3,
               f"port {low} is added while signal is not root", out + err)
    taken.close()

# --- by command: the store's layer ---
text = re.sub(r"    listen .*\n", "", config(users=USERS, srtp=OFF, workers=2))
start_port = free_port()
folder_text = text
with Daemon(folder_text, start=False) as daemon:
    # Without a listener of the file the default's ports would be bound, which others may have: begin with the file's.
    with open(daemon.file, "w") as f:
        f.write(config(listen=f"tcp:127.0.0.1:{start_port}", users=USERS, srtp=OFF, workers=2))
    daemon.start()
    code, out, err = daemon.cli("set", "sip.listen", f"tcp:127.0.0.1:{free_port()}")
    tap.equal(code, 7, "what the file says is not changed by command")
    with open(daemon.file, "w") as f:
        f.write(text)
    second, taken = free_port(), socket.socket()
    taken.bind(("127.0.0.1", 0))
    taken.listen(1)
    code, out, err = daemon.cli("config", "load", "/dev/stdin", "--yes", stdin=f"sip {{\n listen tcp:127.0.0.1:{second}\n}}\n")
    tap.ok(code == 0 and registers("tcp", ("127.0.0.1", second), 2) == 2 and is_refused(("127.0.0.1", start_port)),
           "a layer with other listeners is in force at once", out + err)
    third = free_port()
    code, out, err = daemon.cli("set", "sip.listen", f"tcp:127.0.0.1:{second}", f"tcp:127.0.0.1:{third}")
    tap.ok(code == 0 and registers("tcp", ("127.0.0.1", third), 2) == 2, "set adds one", out + err)
    code, out, err = daemon.cli("set", "sip.listen", f"tcp:127.0.0.1:{second}", f"tcp:127.0.0.1:{taken.getsockname()[1]}")
    tap.ok(code == 3 and "RF-805" in out + err, "set of a taken port is refused", (code, out, err))
    value = daemon.cli("get", "sip.listen", json_out=True)[0]["value"]
    tap.ok(str(third) in value, "the setting in force is the old one", value)
    tap.ok(str(taken.getsockname()[1]) not in daemon.cli("config", "export")[1], "and the store keeps nothing of it")
    tap.ok(daemon.stop(), "it stops")
    daemon.start()
    tap.equal(registers("tcp", ("127.0.0.1", third), 2), 2, "the next start has the listeners of the store")
    taken.close()

# The number of calls follows a reload as far as the media map has slots, which is sized at the start.
with Daemon("calls-max 20\n" + config(listen="tcp:127.0.0.1:0", users=USERS, srtp=OFF, ports=400)) as daemon:
    was = open(daemon.file).read()
    for calls, waits in ((10, False), (20, False), (90, True)):
        with open(daemon.file, "w") as f:
            f.write(was.replace("calls-max 20", f"calls-max {calls}"))
        before = os.path.getsize(daemon.err_path)
        tap.equal(daemon.cli("reload")[0], 0, f"calls-max {calls}")
        deadline = time.time() + (5 if waits else 1)
        told = []
        while time.time() < deadline and not told:
            told = [e for e in daemon.events(before) if e.get("code") == "RF-811"]
            time.sleep(0.1)
        tap.ok(bool(told) == waits and (not waits or "calls-max = 90" in told[0]["msg"]),
               f"calls-max {calls} with 20 at the start: " + ("RF-811 says that the rest waits" if waits else "in force"), told)
tap.done()
