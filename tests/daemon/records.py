#!/usr/bin/env python3
"""Records of calls that ended: what protected each leg and for how long it did not, how it sounded, why it was refused;
found by who, what and when, as a table, as JSON lines and as CSV that no spreadsheet takes for formulas.

# sanitizers: address thread
"""
import csv
import io
import json
import os
import re
import socket
import struct
import subprocess
import time

import sip
import tap
from calls import PlainCall
from daemon import BUILD, DOMAIN, RINGFENCE, Daemon

USERS = {"201": "tidal-copper-41", "203": "salt-river-08", "204": "moss-wheel-55"}
SRTP = {"203": "off", "204": "off", "201": "required"}
NAME = '=HYPERLINK("http://x.test","you, too")'
PHONES = {"205": "glass-owl-205", "206": "glass-owl-206"}
SECONDS = 3


def sender_report(ssrc, mid_ntp):
    return struct.pack("!BBHIIIIII", 0x80, 200, 6, ssrc, mid_ntp >> 16, (mid_ntp & 0xffff) << 16, 0, 10, 1600)


def receiver_report(ssrc, about, lost, jitter, lsr):
    return struct.pack("!BBHIIIIIII", 0x81, 201, 7, ssrc, about, 25 << 24 | lost, 500, jitter, lsr, 0)


def plain_call(daemon):
    """203 calls 204 for some seconds; meanwhile 204 reports that it loses packets."""
    call = PlainCall(daemon, passwords=USERS)
    call.establish()
    time.sleep(1)
    reports = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    (host_a, port_a), (host_b, port_b) = call.media_a.peer, call.media_b.peer
    reports.sendto(sender_report(0xa1, 0x12345678), (host_a, port_a + 1))
    time.sleep(0.1)
    reports.sendto(receiver_report(0xb1, 0xa1, 7, 80, 0x12345678), (host_b, port_b + 1))
    time.sleep(SECONDS - 1)
    live = daemon.cli("calls", json_out=True)
    tap.ok(len(live) == 1 and live[0]["legs"][0]["media"]["in"]["mos"] > 3.5 and live[0]["legs"][0]["media"]["clear_seconds"] > 1,
           "a call that is up has its quality and seconds in clear, too", live)
    call.a_dialog.request("BYE")
    bye = call.b.wait(lambda m: m.method == "BYE", 5)
    call.b.reply(bye, 200, "OK", sip.token(4))
    call.close()
    reports.close()


def refused_call(daemon):
    """201 wants SRTP and offers none."""
    end = sip.Endpoint("tcp", daemon.ports["tcp"])
    last = None
    for last in sip.call(end, "201", USERS["201"], DOMAIN, "204", sip.sdp("127.0.0.1", 40000)):
        pass
    end.close()
    return last


def ended(daemon, *words):
    return daemon.cli("calls", "--ended", *words, json_out=True)


with Daemon(users=USERS, srtp=SRTP, of_user={"204": "name " + json.dumps(NAME)}) as daemon:
    plain_call(daemon)
    last = refused_call(daemon)
    tap.ok(last is not None and last.status == 488, "a call without SRTP is refused", last and last.start)
    rows = daemon.ended(2)
    tap.equal([r["from"] for r in rows], ["201", "203"], "both calls are recorded, the newest first")
    refused, plain = rows

    legs = plain["legs"]
    tap.ok(plain["verdict_min"] == "CLEAR" and plain["state"] == "ended" and plain["status"] == 200
           and legs[0]["signalling"]["transport"] == "TCP" and legs[0]["signalling"]["sign_in"],
           "the verdict, and how the legs were reached", plain)
    for leg in legs:
        m = leg["media"]
        tap.ok(m["protection"] == "none" and m["in"]["clear"] == m["in"]["packets"] > 100 and m["in"]["authentic"] == 0
               and m["in"]["refused"] == m["in"]["replayed"] == 0, f"leg {leg['leg']}: packets in clear are counted", m)
        tap.ok(SECONDS - 1.2 < m["clear_seconds"] < SECONDS + 2, f"leg {leg['leg']}: {m['clear_seconds']} s in clear", m)
        tap.ok(m["codec"] == "PCMU" and m["mos_values"].startswith("G.711") and 3.9 < m["in"]["mos"] <= 4.41,
               f"leg {leg['leg']}: a score of {m['in'].get('mos')} by the values of G.711", m)
    far = legs[1]["media"]["out"].get("reported", {})
    tap.ok(far.get("lost") == 7 and far.get("jitter_ms") == 10 and 0 < far.get("mos", 0) < legs[0]["media"]["in"]["mos"]
           and "reported" not in legs[0]["media"]["out"],
           "what 204 reported of what it heard: 7 lost, 10 ms; 203 reported nothing", legs[1]["media"])
    tap.ok(60 < legs[1]["media"].get("rtt_ms", 0) < 1000, "and the round trip that its report gives away",
           legs[1]["media"].get("rtt_ms"))

    tap.ok(refused["code"] == "RF-301" and refused["q850_cause"] == 88 and refused["status"] == 488
           and refused["verdict_min"] == "UNPROVEN" and "201" in refused["sentence"], "a refusal with its evidence", refused)

    for words, want in ((("--user", "203"), ["203"]), (("--user", "204"), ["201", "203"]), (("--user", "9"), []),
                        (("--number", "204"), ["201", "203"]), (("--connection", "carrier"), []),
                        (("--verdict", "clear"), ["203"]), (("--code", "RF-301"), ["201"]),
                        (("--from", "1h"), ["201", "203"]), (("--until", "1h"), []), (("--from", "2099-01-01"), []),
                        (("--until", "2099-01-01T00:00:00Z", "--user", "203"), ["203"]), (("--limit", "1"), ["201"])):
        tap.equal([r["from"] for r in ended(daemon, *words)], want, "calls --ended " + " ".join(words))
    for words in (("--ended", "--verdict", "GOOD"), ("--ended", "--from", "yesterday"), ("--ended", "--limit", "0"), ("--csv",)):
        code, out, err = daemon.cli("calls", *words)
        tap.ok(code == 2 and out == "" and err != "", "calls " + " ".join(words) + ": refused", (code, out, err))

    code, out, err = daemon.cli("calls", "--ended")
    tap.ok(code == 0 and out.splitlines()[0].startswith("BEGAN\tFROM") and len(out.splitlines()) == 3
           and "CLEAR" in out and "RF-301" in out, "a table for people", out)

    raw = subprocess.run([RINGFENCE, "calls", "--ended", "--csv", "--state", daemon.state], capture_output=True).stdout
    lines = list(csv.reader(io.StringIO(raw.decode(), newline="")))
    head = lines[0]
    columns = re.findall(r"^\| `([a-z0-9_]+)` \|", open(os.path.join(tap.ROOT, "docs/reference/records.md")).read(), re.M)
    n = columns.index("user")
    tap.equal(head, columns[:n] + ["a_" + c for c in columns[n:]] + ["b_" + c for c in columns[n:]],
              "CSV has the columns of the reference")
    tap.ok(raw.count(b"\r\n") == 3 and raw.endswith(b"\r\n") and all(len(line) == len(head) for line in lines),
           "lines end with CRLF and have as many fields each (RFC 4180)", raw[-200:])
    cells = [dict(zip(head, line)) for line in lines[1:]]
    tap.ok(cells[1]["to_name"] == "'" + NAME and not any(c[:1] in ("=", "@", "\t", "\r") for line in lines[1:] for c in line),
           "a name that is a formula is none in CSV", cells[1]["to_name"])
    tap.ok(cells[1]["verdict_min"] == "CLEAR" and float(cells[1]["a_clear_seconds"]) > 1 and cells[1]["b_out_lost"] == "7"
           and cells[0]["code"] == "RF-301", "and the same facts", cells)

    code, out, err = daemon.cli("call", "show", plain["id"])
    tap.ok(code == 0 and "MOS" in out and "hears" in out and "in clear" in out, "call show has quality and seconds in clear", out)
    text = raw.decode() + json.dumps(rows) + daemon.log_text()
    tap.ok(not any(p in text for p in USERS.values()) and "response=" not in text, "no password and no digest response")

    daemon.kill()
    daemon.start()
    tap.equal([r["from"] for r in ended(daemon)], ["201", "203"], "after kill -9 the records are there")

with Daemon(users=PHONES, srtp={u: "required" for u in PHONES}) as daemon:
    host, port = daemon.ports["tls"]
    command = [os.path.join(BUILD, "rf-phone"), "--domain", DOMAIN, "--server", f"{host}:{port}", "--transport", "tls",
               "--trust", f"{daemon.state}/ca/ca.pem", "--server-name", DOMAIN, "--srtp", "required", "--tone", "440"]
    callee = subprocess.Popen([*command, "--user", "206", "--password", PHONES["206"], "--answer", "--seconds", "10"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert any(line.strip() == "registered" for line in callee.stderr), "206 could not register"
    caller = subprocess.run([*command, "--user", "205", "--password", PHONES["205"], "--call", "206", "--seconds", "2"],
                            capture_output=True, text=True)
    rows = daemon.ended(1)
    callee.communicate(timeout=60)
    tap.ok(caller.returncode == 0 and len(rows) == 1 and rows[0]["verdict_min"] == "ENCRYPTED"
           and ended(daemon, "--verdict", "ENCRYPTED") == rows and ended(daemon, "--verdict", "CLEAR") == [],
           "a call by TLS and SRTP is found as ENCRYPTED", rows or caller.stdout + caller.stderr)
    for leg in rows[0]["legs"]:
        s, m = leg["signalling"], leg["media"]
        tap.ok(s["transport"] == "TLS" and s["tls_version"] == "1.3" and s["tls_cipher"].startswith("TLS_")
               and m["suite"] and m["keying"] == "SDES" and m["keys_in_clear"] is False, f"leg {leg['leg']}: TLS, suite, keys", leg)
        tap.ok(m["in"]["authentic"] == m["in"]["packets"] > 50 and m["in"]["clear"] == 0 and m["clear_seconds"] == 0
               and m["in"]["mos"] > 3.5, f"leg {leg['leg']}: authentic packets, no second in clear", leg)
tap.done()
