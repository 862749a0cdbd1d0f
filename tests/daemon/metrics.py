#!/usr/bin/env python3
"""Metrics over real sockets: each thing that happens moves its counter by exactly what happened, with one worker and with
two; GET /metrics is valid to the letter, and what is no GET of it gets a sentence. TEL-8, interface 6.1.

# sanitizers: address thread
"""
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import exposition
import sip
import tap
from calls import PlainCall
from daemon import BUILD, DOMAIN, PASSWORDS, RINGFENCE, Daemon, config
from pki import Cert, Shake
from phones import AutoPhone
from ports import free_tcp_port

try:  # another judge, where it is installed
    from prometheus_client.parser import text_string_to_metric_families
except ImportError:
    text_string_to_metric_families = None

PHONE = os.path.join(BUILD, "rf-phone")
SETTLE = 15  # seconds until what ended has been counted
USERS = {**PASSWORDS, "204": "plain-tin-52", "205": "calm-reed-33"}
CALLS = "ringfence_calls_total"
REQUESTS, RESPONSES = "ringfence_sip_requests_total", "ringfence_sip_responses_total"
HANDSHAKES, FAILURES = "ringfence_tls_handshakes_total", "ringfence_tls_handshake_failures_total"
REFUSED_US = "ringfence_tls_peer_rejected_certificate_total"
SRTP, CLEAR = "ringfence_srtp_packets_total", "ringfence_rtp_cleartext_packets_total"


def more(port):
    return f"metrics {{\n    listen http:127.0.0.1:{port}\n}}\n"


def wait_for(read, is_so):
    """What `read` gives once it is so, or its last word."""
    deadline = time.time() + SETTLE
    while True:
        m = read()
        if is_so(m) or time.time() > deadline:
            return m
        time.sleep(0.2)


def raw(port, octets):
    with socket.create_connection(("127.0.0.1", port), timeout=10) as s:
        s.sendall(octets)
        data = b""
        while piece := s.recv(65536):
            data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    return int(lines[0].split()[1]), {k.lower(): v for k, v in (x.split(": ", 1) for x in lines[1:])}, body


def phone(daemon, user, *words):
    host, port = daemon.ports["tls"]
    return subprocess.Popen([PHONE, "--user", user, "--password", USERS[user], "--domain", DOMAIN, "--server",
                             f"{host}:{port}", "--transport", "tls", "--trust", f"{daemon.state}/ca/ca.pem",
                             "--server-name", DOMAIN, "--srtp", "required", "--tone", "440", *words],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_word(process, word):
    return any(line.strip() == word for line in process.stderr)


def registers(daemon, read):
    before = read()
    good = sip.Endpoint("tcp", daemon.ports["tcp"])
    tap.equal(good.register("203", USERS["203"], DOMAIN).status, 200, "203 registers")
    bad = sip.Endpoint("udp", daemon.ports["udp"])
    refused = bad.register("203", "not its password", DOMAIN).status
    now = read()
    rise = lambda name, **labels: now.rise(before, name, **labels)  # noqa: E731
    tap.equal(rise(REQUESTS, method="REGISTER", transport="TCP", direction="in"), 2, "REGISTER, challenged and repeated: 2 in")
    tap.equal((rise(RESPONSES, status_code="401", transport="TCP", direction="out"),
               rise(RESPONSES, status_code="200", transport="TCP", direction="out")), (1, 1), "401 and 200: one each out")
    tap.ok(refused >= 400 and rise(RESPONSES, status_code=str(refused), transport="UDP", direction="out") >= 1 and
           rise(RESPONSES, status_code="200", transport="UDP") == 0, f"a wrong password: {refused}, and no 200", refused)
    tap.ok(rise("ringfence_problems_total") >= 1, "and it is among the problems")
    tap.equal((rise("ringfence_registrations", transport="TCP"), rise("ringfence_registrations"),
               rise("ringfence_registered_users")), (1, 1, 1), "one contact more, by TCP, of one user")
    good.register("203", USERS["203"], DOMAIN, expires=0)
    tap.equal(read().rise(before, "ringfence_registrations"), 0, "and it goes away")
    good.close()
    bad.close()


def srtp_call(daemon, read):
    before = read()
    callee = phone(daemon, "202", "--answer", "--seconds", "3")
    assert wait_word(callee, "registered"), "the callee could not register"
    caller = phone(daemon, "201", "--call", "202", "--seconds", "3", "--forge", "7")
    assert wait_word(caller, "up"), "the call was not answered"
    up = wait_for(read, lambda m: m.sum("ringfence_calls", verdict="encrypted") == 1)
    tap.equal((up.sum("ringfence_calls"), up.sum("ringfence_calls", verdict="encrypted")), (1, 1), "one call, encrypted")
    tap.equal(up.sum("ringfence_media_streams", keying="sdes"), 2, "two streams with SRTP")
    tap.ok(up.rise(before, SRTP, direction="in") > 0, "its packets count while it is up")
    tap.equal(up.sum("ringfence_tls_connections", surface="sip-phones", protocol_version="1.3"), 2, "two connections of TLS 1.3")
    for p in (caller, callee):
        p.communicate(timeout=60)
    now = wait_for(read, lambda m: m.rise(before, CALLS) == 1 and m.sum("ringfence_tls_connections") == 0)
    rise = lambda name, **labels: now.rise(before, name, **labels)  # noqa: E731
    tap.equal((rise(CALLS), rise(CALLS, direction="internal", connection="", outcome="answered", verdict="encrypted")),
              (1, 1), "it ended: answered, encrypted")
    record = daemon.cli("call", "show", "last", json_out=True)[0]
    legs = [leg["media"] for leg in record["legs"]]
    suite = legs[0]["suite"]
    tap.equal((rise(SRTP, direction="in", suite=suite), rise(SRTP, direction="out", suite=suite), rise(SRTP)),
              (sum(x["in"]["authentic"] for x in legs), sum(x["out"]["encrypted"] for x in legs),
               sum(x["in"]["authentic"] + x["out"]["encrypted"] for x in legs)),
              f"packets of {suite}: to the packet what its record says")
    tap.equal(rise("ringfence_srtp_rejected_packets_total", reason="auth"), 7, "TEL-26 seven forged packets")
    tap.equal(rise("ringfence_srtp_rejected_packets_total"), 7, "and no other was rejected")
    tap.equal(rise(CLEAR), 0, "none in clear")
    tap.equal((now.sum("ringfence_calls"), now.sum("ringfence_media_streams", keying="sdes"),
               now.sum("ringfence_tls_connections")), (0, 0, 0), "no call, stream or connection is left")
    tap.equal((rise(HANDSHAKES, result="full", surface="sip-phones", protocol_version="1.3"),
               rise(HANDSHAKES, result="failed")), (2, 0), "two handshakes, none failed")
    tap.equal(rise("ringfence_tls_handshake_duration_seconds_count"), 2, "and their duration is known")
    tap.equal((rise("ringfence_call_setup_seconds_count"), rise("ringfence_call_duration_seconds_count"),
               rise("ringfence_rtp_jitter_seconds_count", direction="in")), (1, 1, 2), "times of a call and of its two legs")
    tap.equal((rise(REQUESTS, method="INVITE", direction="in"), rise(REQUESTS, method="INVITE", direction="out")), (2, 1),
              "INVITE: challenged and repeated in, one out")
    tap.equal((rise("ringfence_one_way_sessions_total"), rise("ringfence_zero_packet_streams_total")), (0, 0),
              "both were heard")


def clear_call(daemon, read):
    before = read()
    call = PlainCall(daemon, "tcp", "203", "204", USERS)
    call.establish()
    up = wait_for(read, lambda m: m.sum("ringfence_calls", verdict="clear") == 1 and m.rise(before, CLEAR) > 20)
    tap.equal((up.sum("ringfence_calls", verdict="clear"), up.sum("ringfence_media_streams", suite="none")), (1, 2),
              "one call in clear, with two streams")
    call.media_a.stop()
    call.media_b.stop()
    time.sleep(0.3)
    call.a_dialog.request("BYE")
    bye = call.b.wait(lambda m: m.method == "BYE", 10)
    call.b.reply(bye, 200, "OK")
    now = wait_for(read, lambda m: m.rise(before, CALLS) == 1)
    rise = lambda name, **labels: now.rise(before, name, **labels)  # noqa: E731
    tap.equal(rise(CALLS, outcome="answered", verdict="clear"), 1, "it ended: answered, clear")
    legs = [leg["media"] for leg in daemon.cli("call", "show", "last", json_out=True)[0]["legs"]]
    tap.equal((rise(CLEAR, connection="", direction="in"), rise(CLEAR, connection="", direction="out")),
              (sum(x["in"]["clear"] for x in legs), sum(x["out"]["clear"] for x in legs)),
              "packets in clear: to the packet what its record says")
    tap.ok(rise(CLEAR, direction="in") > 20 and rise(SRTP) == 0, "there were some, and no SRTP")
    tap.equal((now.sum("ringfence_calls"), now.sum("ringfence_media_streams")), (0, 0), "nothing is left")
    call.close()


def cancelled_call(daemon, read):
    before = read()
    a, b = (sip.Endpoint("tcp", daemon.ports["tcp"]) for _ in range(2))
    for end, user in ((a, "203"), (b, "204")):
        end.register(user, USERS[user], DOMAIN)
    calling = sip.call(a, "203", USERS["203"], DOMAIN, "204", sip.sdp("127.0.0.1", 40000))
    next(calling)
    invite = b.wait(lambda m: m.method == "INVITE", 10)
    b.reply(invite, 486, "Busy Here", sip.token(4))
    for _ in calling:
        pass
    now = wait_for(read, lambda m: m.rise(before, CALLS) == 1)
    tap.equal((now.rise(before, CALLS, outcome="busy", verdict="unproven"), now.rise(before, CALLS)), (1, 1),
              "a call to somebody who speaks already: busy")
    tap.equal(now.rise(before, "ringfence_call_setup_seconds_count"), 0, "which is no time to an answer")
    a.close()
    b.close()


def handshakes(daemon, read, folder):
    at = daemon.ports["tls"]
    stranger = Cert(folder, "stranger", "A Stranger's Root", kind="ca")
    before = read()
    Shake(at, "-CAfile", stranger.path, "-verify_return_error")
    event = daemon.wait_event("tls.peer_rejected_our_certificate", 10, code="RF-202")
    tap.ok(event is not None and event.get("alert_received") == "unknown_ca" and event.get("peer"),
           "TEL-8 a client that does not know our authority: RF-202 with its alert and address", event)
    tap.ok(event is not None and "root" in event.get("fix", ""), "TEL-8 and the hint: give it the root", event)
    now = wait_for(read, lambda m: m.rise(before, REFUSED_US) == 1)
    tap.equal((now.rise(before, REFUSED_US, surface="sip-phones", alert="unknown_ca"), now.rise(before, REFUSED_US)), (1, 1),
              "TEL-8 and the counter")
    tap.equal((now.rise(before, FAILURES, code="RF-202"), now.rise(before, FAILURES),
               now.rise(before, HANDSHAKES, result="failed")), (1, 1, 1), "one handshake failed, by RF-202")
    before = now
    Shake(at, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0")
    now = wait_for(read, lambda m: m.rise(before, FAILURES) == 1)
    tap.equal((now.rise(before, FAILURES, surface="sip-phones", code="RF-101"), now.rise(before, FAILURES)), (1, 1),
              "a client of TLS 1.1: RF-101")
    before = now
    with socket.create_connection(at):
        pass
    now = wait_for(read, lambda m: m.rise(before, FAILURES) == 1)
    tap.equal(now.rise(before, FAILURES, code="RF-109"), 1, "a client that says nothing and goes: RF-109")
    tap.equal(now.sum("ringfence_tls_connections"), 0, "no connection is left")


def listener(daemon, port):
    status, headers, body = raw(port, b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    tap.equal((status, headers["content-type"]), (200, "text/plain; version=0.0.4; charset=utf-8"), "GET: 200 and its type")
    m = exposition.Metrics(body.decode())
    tap.equal(m.faults, [], f"{len(m.samples)} samples of {len(m.types)} metrics, valid to the letter")
    status, headers, nothing = raw(port, b"HEAD /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    tap.ok(status == 200 and int(headers["content-length"]) > 1000 and nothing == b"", "HEAD: the same without a body")
    for octets, want, why in ((b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 404, "another address"),
                              (b"GET /ca/root.pem HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 404, "what https serves"),
                              (b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", 405,
                               "POST"),
                              (b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 4096\r\n\r\n" + b"x" * 4096, 405,
                               "a body"),
                              (b"GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 4096\r\n\r\n" + b"x" * 4096, 413,
                               "a body that nobody wants"),
                              (b"GET /metrics HTTP/1.1\r\nX: " + b"y" * 16360, 431, "a head without an end"),
                              (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400, "TLS")):
        try:
            status = raw(port, octets)[0]
        except (ConnectionError, IndexError, ValueError) as e:
            status = e
        tap.ok(status == want or (want == 405 and status == 413), f"{why}: {want}", status)
    if text_string_to_metric_families is not None:
        families = list(text_string_to_metric_families(body.decode()))
        tap.equal(sum(len(f.samples) for f in families), len(m.samples), "prometheus_client reads it, sample by sample")
        tap.equal({n.removesuffix("_total") if kind == "counter" else n for n, kind in m.types.items()},
                  {f.name for f in families}, "and finds each metric")
    if shutil.which("promtool"):
        p = subprocess.run(["promtool", "check", "metrics"], input=body, capture_output=True)
        tap.equal((p.returncode, p.stdout + p.stderr), (0, b""), "promtool finds nothing")
    else:
        tap.note("promtool is not installed: the judge is tests/lib/exposition.py alone")
    as_json = {f["name"]: f for f in daemon.cli("metrics", json_out=True)}
    tap.equal(set(as_json), set(m.types), "ringfence metrics --json has the same metrics")
    tap.ok(all(f["type"] == m.types[n] and f["help"] == m.help[n] for n, f in as_json.items()), "with type and help")
    page = open(os.path.join(tap.ROOT, "docs", "reference", "metrics.md")).read()
    tap.equal([n for n in m.types if f"## {n}\n" not in page], [], "docs/reference/metrics.md has them all")


def state(daemon, read):
    m = read()
    tap.equal(m.sum("ringfence_build_info"), 1, "build_info is 1")
    end = next(v for (n, pairs), v in m.samples.items()
               if n == "ringfence_certificate_expiry_timestamp_seconds" and dict(pairs)["name"] == "local")
    want = next(c["not_after"] for c in daemon.cli("cert", "list", json_out=True) if c.get("kind") == "own")
    tap.equal(time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(end)), want, "our certificate's end")
    tap.ok(m.sum("process_resident_memory_bytes") > 1e6 and m.sum("process_cpu_seconds_total") > 0 and
           3 < m.sum("process_open_fds") < m.sum("process_max_fds") and
           abs(m.sum("process_start_time_seconds") - time.time()) < 600, "what the kernel says of the process")
    fds = len(os.listdir(f"/proc/{daemon.children()['signal']}/fd"))
    tap.ok(abs(m.sum("process_open_fds") - fds) < 10, f"its descriptors: about {fds}", m.sum("process_open_fds"))
    at = m.sum("ringfence_config_last_reload_success_timestamp_seconds")
    tap.ok(abs(at - time.time()) < 600 and m.sum("ringfence_config_last_reload_successful") == 1, "when it was configured")
    good = open(daemon.file).read()
    with open(daemon.file, "w") as f:
        f.write(good + "nonsense here\n")
    tap.ok(daemon.cli("reload")[0] != 0, "a reload that is refused")
    m = read()
    tap.equal((m.sum("ringfence_config_last_reload_successful"),
               m.sum("ringfence_config_last_reload_success_timestamp_seconds")), (0, at), "is told, and the time stays")
    with open(daemon.file, "w") as f:
        f.write(good)
    time.sleep(1.1)
    tap.equal(daemon.cli("reload")[0], 0, "a reload that is good")
    m = read()
    tap.ok(m.sum("ringfence_config_last_reload_successful") == 1 and
           m.sum("ringfence_config_last_reload_success_timestamp_seconds") > at, "is told, too")


def transfer(daemon, read):
    """203 moves 204, with whom it speaks, to 205: each packet counts once, whichever call its leg was in."""
    before, old = read(), {r["id"] for r in daemon.cli("calls", "--ended", json_out=True)}
    phones = {u: AutoPhone(daemon, u, USERS[u], DOMAIN, ssrc) for u, ssrc in (("203", 1), ("204", 2), ("205", 3))}
    a, b, c = phones.values()
    call_id = a.call("204")
    tap.ok(b.hears(1), "203 speaks with 204")
    a.refer(call_id, f"sip:205@{DOMAIN}")
    tap.ok(c.hears(2), "who transfers it to 205")
    time.sleep(1)
    if a.dialogs:
        a.hang_up()
    c.hang_up()
    tap.ok(all(p.wait_idle() for p in phones.values()), "all hang up")
    now = wait_for(read, lambda m: m.sum("ringfence_calls") == 0 and m.rise(before, CALLS) == 2)
    tap.equal(now.rise(before, CALLS), 2, "two calls")
    ended = lambda: daemon.cli("calls", "--ended", json_out=True)  # noqa: E731
    records = wait_for(lambda: [r for r in ended() if r["id"] not in old], lambda found: len(found) == 2)
    media = [leg["media"] for r in records for leg in r["legs"] if "in" in leg["media"]]
    tap.equal((now.rise(before, CLEAR, direction="in"), now.rise(before, CLEAR, direction="out")),
              (sum(m["in"]["clear"] for m in media), sum(m["out"]["clear"] for m in media)),
              "their packets, each once")
    for p in phones.values():
        p.close()


def restarts(daemon, read):
    """What the map has survives the media process and the signal process; what only signal counted begins anew."""
    call = PlainCall(daemon, "tcp", "203", "204", USERS)
    call.establish()
    before = wait_for(read, lambda m: m.sum("ringfence_calls", verdict="clear") == 1)
    seen = before.sum(CLEAR, direction="in")
    for name in ("media", "signal"):
        old = daemon.children()[name]
        os.kill(old, signal.SIGKILL)
        wait_for(daemon.children, lambda c: c.get(name) not in (None, old))
        if name == "media":
            now = wait_for(read, lambda m: m.sum(CLEAR, direction="in") > seen + 20)
            tap.ok(now.sum(CLEAR, direction="in") > seen + 20, "media dies: packets go on to be counted where they stood")
            lost = sum(now.sum(n, **k) < before.sum(n, **k) for n, k in ((CALLS, {}), (REQUESTS, {}), (CLEAR, {})))
            tap.equal(lost, 0, "and no counter goes down")
            in_call = leg_packets(daemon)

    def again():
        try:
            return read()
        except OSError:
            return exposition.Metrics("")

    now = wait_for(again, lambda m: m.sum("ringfence_calls") == 1 and m.sum(CLEAR, direction="in") >= in_call)
    tap.equal((now.sum("ringfence_calls"), now.sum("ringfence_signal_starts_total")), (1, 2), "signal dies: the call is up")
    tap.ok(now.sum(CLEAR, direction="in") >= in_call > 20, "its packets of before are in the new numbers",
           (now.sum(CLEAR, direction="in"), in_call))
    tap.equal(now.sum(CALLS), 0, "calls that ended before are not: the counter begins anew")
    call.close()


def leg_packets(daemon):
    record = daemon.cli("calls", json_out=True)[0]
    legs = daemon.cli("call", "show", record["id"], json_out=True)[0]["legs"]
    return sum(leg["media"]["in"]["clear"] for leg in legs)


for workers in (1, 2):
    port = free_tcp_port()
    srtp = {"201": "required", "202": "required", "203": "off", "204": "off", "205": "off"}
    with Daemon(workers=workers, threads=workers, users=USERS, srtp=srtp, more=more(port)) as daemon, \
            tempfile.TemporaryDirectory() as folder:
        tap.note(f"{workers} workers")
        read = lambda: exposition.of_http(port)  # noqa: E731
        tap.equal(read().faults, [], "valid before anything happened")
        registers(daemon, read)
        srtp_call(daemon, read)
        clear_call(daemon, read)
        cancelled_call(daemon, read)
        handshakes(daemon, read, folder)
        transfer(daemon, read)
        if workers == 1:
            listener(daemon, port)
            state(daemon, read)
        restarts(daemon, read)
        tap.equal(exposition.of_command(daemon).faults, [], "valid after all of it")

# Over the network, to whoever shows a certificate that we trust.
with tempfile.TemporaryDirectory() as folder:
    root, stranger = Cert(folder, "root", "Monitoring", kind="ca"), Cert(folder, "stranger", "Somebody", kind="ca")
    friend, foe = Cert(folder, "friend", "prometheus", root), Cert(folder, "foe", "prometheus", stranger)
    os.chmod(folder, 0o755)
    port = free_tcp_port()
    text = (f"metrics {{\n    listen https:127.0.0.1:{port}\n    client-certificate required\n"
            f"    received-certificate-checks medium\n    trusted-certificate-store {root.path}\n}}\n")
    with Daemon(more=text) as daemon:
        def over_tls(*words):
            p = subprocess.run(["curl", "-sk", "--max-time", "10", *words, f"https://127.0.0.1:{port}/metrics"],
                               capture_output=True, text=True)
            return p.returncode, p.stdout
        code, out = over_tls("--cert", friend.path, "--key", friend.key)
        m = exposition.Metrics(out)
        tap.equal((code, m.faults), (0, []), "https: whoever shows a certificate that we trust gets the metrics")
        tap.equal(m.sum("ringfence_tls_connections", surface="metrics"), 1, "and finds itself among the connections")
        tap.ok(over_tls()[0] != 0, "whoever shows none gets nothing")
        tap.ok(over_tls("--cert", foe.path, "--key", foe.key)[0] != 0, "nor with a certificate of somebody else")
        m = exposition.of_command(daemon)
        tap.equal((m.sum(FAILURES, surface="metrics", code="RF-110"), m.sum(FAILURES, surface="metrics", code="RF-201"),
                   m.sum(FAILURES)), (1, 1, 2), "both are counted with their codes")
        tap.equal(m.sum(HANDSHAKES, surface="metrics", result="full"), 1, "and the handshake that was good")

# Who reaches it may read it: so it is not everybody's.
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "ringfence.conf")
    for lines, is_fine, why in (("listen http:127.0.0.1:9464", True, "loopback"),
                                ("listen http:[::1]:9464", True, "loopback of IPv6"),
                                ("listen http:0.0.0.0:9464", False, "all addresses"),
                                ("listen http:192.0.2.1:9464", False, "an address of the network"),
                                ("listen https:192.0.2.1:9464", False, "TLS alone"),
                                ("listen http:192.0.2.1:9464\n    client-certificate required", False, "no TLS"),
                                ("listen https:192.0.2.1:9464\n    client-certificate required", True,
                                 "TLS with certificates of both")):
        with open(path, "w") as f:
            f.write(config(more=f"metrics {{\n    {lines}\n}}\n"))
        p = subprocess.run([RINGFENCE, "config", "check", path], capture_output=True, text=True)
        said = p.stdout + p.stderr
        tap.ok(p.returncode == (0 if is_fine else 3) and (is_fine or ("loopback" in said and "client-certificate" in said)),
               f"metrics.listen, {why}: {'taken' if is_fine else 'refused, with what to say instead'}",
               f"{p.returncode} {said}")
tap.done()
