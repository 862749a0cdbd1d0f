#!/usr/bin/env python3
"""`ringfence sdp decide` as the command it is: every case of the two data files about SRTP in descriptions, and variants that stand
in no file (TEL-20 to TEL-39, TEL-12).

# sanitizers: address
"""
import json
import os
import re
import subprocess
import tempfile

import tap
from daemon import RINGFENCE

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data")
CAUSE = 'Q.850;cause=88;text="INCOMPATIBLE_DESTINATION"'
KEY = "u0Xbfdmr9bV7HbK3DJLxqh6eqLpZ6a7gPu2gQ7WT"    # 30 octets
KEY2 = "iu0fxiht9mjbuwnTGKxen+9dLp8TQwEi0jhTf3lF"
KEY44 = "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE="
KEY46 = "1Riu612pR2OHGhEo29MuMiTO/uqC9maG85rTMLC0i77c3jXsf/jc9NtgjXh+BQ=="
CM80, CM32, CM256 = "AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32", "AES_256_CM_HMAC_SHA1_80"
ALL = ("AEAD_AES_256_GCM AEAD_AES_128_GCM AEAD_AES_256_GCM_8 AEAD_AES_128_GCM_8 AES_256_CM_HMAC_SHA1_80 AES_256_CM_HMAC_SHA1_32 "
       "AES_192_CM_HMAC_SHA1_80 AES_192_CM_HMAC_SHA1_32 AES_CM_128_HMAC_SHA1_80 AES_CM_128_HMAC_SHA1_32 F8_128_HMAC_SHA1_80 "
       "F8_128_HMAC_SHA1_32 AES_CM_128_NULL_AUTH NULL_HMAC_SHA1_80 NULL_HMAC_SHA1_32")
NINE = ("AEAD_AES_256_GCM_8 AEAD_AES_128_GCM_8 AES_256_CM_HMAC_SHA1_80 AES_192_CM_HMAC_SHA1_80 AES_CM_128_HMAC_SHA1_80 "
        "AES_256_CM_HMAC_SHA1_32 AES_192_CM_HMAC_SHA1_32 AES_CM_128_HMAC_SHA1_32 AES_CM_128_NULL_AUTH")
HEAD = "v=0\r\no=- 7 7 IN IP4 192.0.2.50\r\ns=-\r\nc=IN IP4 192.0.2.50\r\nt=0 0\r\n"
HEAD6 = HEAD.replace("IP4 192.0.2.50", "IP6 2001:db8::50")
folder = tempfile.mkdtemp(prefix="ringfence-sdp-")


def decide(sdp, *flags, srtp="required", direction="offer-in"):
    """(exit status, JSON, all that was printed)"""
    p = subprocess.run([RINGFENCE, "sdp", "decide", "--json", "--srtp", srtp, "--direction", direction, *flags],
                       input=sdp.encode(), capture_output=True, timeout=20)
    text = p.stdout.decode()
    try:
        return p.returncode, json.loads(text), text + p.stderr.decode()
    except ValueError:
        return p.returncode, {}, text + p.stderr.decode()


def load(name):
    with open(os.path.join(DATA, name)) as f:
        return json.load(f)


def consistent(status, got):
    """What holds of every decision."""
    if got.get("accepted"):
        return status == 0 and "code" not in got
    return status == 5 and got.get("status") == 488 and got.get("reason") == CAUSE and re.fullmatch(r"RF-\d+", got.get("code", ""))


def lines_of(answer):
    return re.findall(r"^a=crypto:(\d+) (\S+) inline:(\S+)", answer or "", re.M)


# --- sdp/srtp-policy.json ---

def policy_row(row):
    config, expect, sdp = row["config"], row["expect"], row["sdp"]
    if row["direction"] == "status_in":
        good = []
        for places in (1, 3):
            p = subprocess.run([RINGFENCE, "sdp", "status", "--json", str(sdp["status"]), str(places)], capture_output=True)
            to = json.loads(p.stdout)["to_caller"]
            good.append((to["status"], expect["to_caller"]["reason"] in to["reason"]))
        return good == [(488, True), (503, True)], good
    flags = ["--suites", NINE]
    flags += ["--allow-null-auth"] if config.get("allow_null_auth") else []
    flags += ["--hosted"] if config.get("hosted") else []
    flags += ["--bypass"] if config["media"] == "bypass" else []
    if not isinstance(sdp, str):  # "answer repeats our own key"
        offer = os.path.join(folder, "offer.sdp")
        with open(offer, "w") as f:
            f.write(HEAD + f"m=audio 9 RTP/SAVP 0\r\na=crypto:5 {CM80} inline:{KEY}\r\n")
        flags += ["--our-offer", offer]
        sdp = HEAD + f"m=audio 40000 RTP/SAVP 0\r\na=crypto:5 {CM80} inline:{KEY}\r\n"
    status, got, text = decide(sdp, *flags, srtp="required" if config["srtp"] == "on" else "off",
                               direction=row["direction"].replace("_", "-"))
    accepts = expect.get("accept", "status" not in expect)
    good = consistent(status, got) and got.get("accepted") == accepts
    theirs, answer = {k for _, _, k in lines_of(sdp)}, lines_of(got.get("answer"))
    good = good and not any(k in text for k in theirs)
    if "answer_crypto_lines" in expect:
        good = good and len(answer) == expect["answer_crypto_lines"]
    if expect.get("tag_from_offer"):
        good = good and answer[0][:2] in [line[:2] for line in lines_of(sdp)]
    if "tag" in expect:
        good = good and got["tag"] == expect["tag"] and int(answer[0][0]) == expect["tag"]
    if "answer_proto" in expect:
        good = good and re.search(r"^m=audio \d+ (\S+)", got["answer"], re.M).group(1) in expect["answer_proto"]
    if "warning" in expect:
        good = good and expect["warning"] in text
    if "require_signalling" in expect:
        for transport in ("udp", "tcp"):
            status, got, _ = decide(sdp, *flags, "--transport", transport)
            good = good and consistent(status, got) and got.get("code") == "RF-309"
    return good, text


# --- srtp/sdes-lines.json ---

def line_row(row):
    """The line alone in an offer that needs SRTP: taken, or the reason why the call is not. A suite that encrypts nothing
    is taken by its switch alone, as what it is (TEL-29)."""
    flags = ["--suites", ALL, "--allow-null-auth"]
    sdp = HEAD + "m=audio 40000 RTP/SAVP 0\r\n" + row["line"] + "\r\n"
    status, got, text = decide(sdp, *flags)
    accepts = row["valid"] and "policy" not in row
    if accepts and row.get("suite", "").startswith("NULL_"):
        if got.get("code") != "RF-303" or not consistent(status, got):
            return False, text
        status, got, text = decide(sdp, *flags, "--allow-unencrypted-srtp")
        if (got.get("encrypted"), got.get("weak"), got.get("warning")) != (False, True, "RF-403"):
            return False, text
    good = consistent(status, got) and got.get("accepted") == accepts
    if accepts:
        answer = lines_of(got.get("answer"))
        good = good and len(answer) == 1 and int(answer[0][0]) == got["tag"] and answer[0][1] == got["suite"]
        good = good and got["suite"] == row.get("suite", got["suite"]) and got["tag"] == row.get("tag", got["tag"])
        if good and "tag" not in row:
            good = got["tag"] == int(re.search(r":(\d+)", row["line"]).group(1))
    elif not row["valid"]:
        good = good and got["code"] == "RF-306" and got["detail"] != ""  # which line, and what is wrong with it
    for key in re.findall(r"(?i)inline:([A-Za-z0-9+/]{20,})", row["line"]):
        good = good and key not in text
    return good, text


# --- variants ---

def savp(*lines, head=HEAD, profile="RTP/SAVP", media="", port=40000):
    return head + f"m=audio {port} {profile} 0 101\r\n" + "".join(f"{line}\r\n" for line in lines) + media


def crypto(tag=1, suite=CM80, rest=f"inline:{KEY}"):
    return f"a=crypto:{tag} {suite} {rest}"


VIDEO = f"m=video 40002 RTP/SAVP 96\r\na=crypto:1 {CM80} inline:{KEY2}\r\n"
OFFER, ANSWER = {}, {"direction": "answer-in"}
MIKEY = "a=key-mgmt:mikey AQAFgM0XflABAAAAAAAAAAAAAAsAyO"


def variant(why, want, sdp, *flags, tag=None, suite=None, shows=None, clear=None, **kw):
    """want: True, or the code of the refusal."""
    status, got, text = decide(sdp, *flags, **kw)
    good = consistent(status, got) and (got.get("accepted") is True if want is True else got.get("code") == want)
    good = good and (tag is None or got.get("tag") == tag) and (suite is None or got.get("suite") == suite)
    good = good and (clear is None or (got.get("session_parameters") == clear and got.get("encrypted") is False
                                       and got.get("warning") == "RF-403"))
    good = good and (shows is None or re.search(shows, got.get("answer") or text) is not None)
    good = good and KEY not in text and KEY2 not in text
    tap.ok(good, f"{why}: {'accepted' if want is True else want}", text)


def offers():
    variant("TEL-39: a tag of nine digits comes back", True, savp(crypto(314159265)), tag=314159265)
    variant("TEL-39: white space of any kind", True, savp(f"a=crypto:1 \t {CM80}\t\tinline:{KEY} \t"), tag=1)
    variant("TEL-20: a suite in mixed case", True, savp(crypto(3, "Aes_Cm_128_Hmac_Sha1_32")), tag=3, suite=CM32)
    variant("TEL-20: an alias of a suite", True, savp(crypto(4, "AES_CM_256_HMAC_SHA1_80", f"inline:{KEY46}")), suite=CM256)
    variant("TEL-22: the strongest, wherever it stands", True, savp(crypto(1, CM32), crypto(2, CM80)), "--suites", f"{CM80} {CM32}", tag=2)
    variant("TEL-22: or the first, where the offerer's order counts", True, savp(crypto(1, CM32), crypto(2, CM80)), "--suites", f"{CM80} {CM32}",
            "--offerer-order", tag=1)
    variant("TEL-22: the strongest comes first", True, savp(crypto(1, CM80), crypto(2, CM32)), "--suites", f"{CM32} {CM80}", tag=1)
    variant("TEL-28: none in common", "RF-303", savp(crypto()), "--suites", CM32)
    variant("TEL-39: an unknown parameter that need not be known", True, savp(crypto(1, CM80, f"inline:{KEY} -NEW=1 -OTHER")), tag=1)
    variant("TEL-39: one that must be known: the next line", True,
            savp(crypto(1, CM80, f"inline:{KEY} NEW=1"), crypto(2, CM32)), tag=2)
    variant("TEL-39: one that must be known, and no other line", "RF-306", savp(crypto(1, CM80, f"inline:{KEY} NEW=1")))
    variant("TEL-39: lower case is another parameter", "RF-306", savp(crypto(1, CM80, f"inline:{KEY} newone")))
    variant("WSH at its limit", True, savp(crypto(1, CM80, f"inline:{KEY} WSH=64")))
    variant("WSH below it", "RF-306", savp(crypto(1, CM80, f"inline:{KEY} WSH=63")))
    variant("TEL-39: MKI of one octet at its limit", True, savp(crypto(1, CM80, f"inline:{KEY}|2^31|255:1")))
    variant("TEL-39: and above", "RF-306", savp(crypto(1, CM80, f"inline:{KEY}|2^31|256:1")))
    variant("one tag twice, written in two ways", "RF-306", savp(crypto("1"), crypto("01", CM32, f"inline:{KEY2}")))
    variant("one tag in two streams is two tags", True, savp(crypto(1), media=VIDEO), tag=1, shows=r"m=video 0 ")
    variant("video before audio: refused line by line", True,
            HEAD + VIDEO + f"m=audio 40000 RTP/SAVP 0\r\n{crypto(7)}\r\n", tag=7, shows=r"(?s)m=video 0 .*m=audio \d+ RTP/SAVP")
    variant("keys of the video stream are not the audio's", "RF-302", savp(media=VIDEO))
    variant("the first audio stream has port 0, the second counts", True,
            savp(port=0) + f"m=audio 40004 RTP/SAVP 0\r\n{crypto(9)}\r\n", tag=9, shows=r"m=audio 0 RTP/SAVP")
    variant("keys of the session are no keys of a stream (RFC 4568 5)", "RF-302", savp(head=HEAD + crypto() + "\r\n"))
    variant("IPv6", True, savp(crypto(2), head=HEAD6), tag=2)
    variant("a host name for an address", True, savp(crypto(2), head=HEAD.replace("c=IN IP4 192.0.2.50", "c=IN IP4 a.example")))
    variant("LF alone", True, savp(crypto(2)).replace("\r\n", "\n"), tag=2)
    variant("a lone CR within a line", "RF-514", savp(crypto(2)).replace("t=0 0\r\n", "t=0 0\ra=x\r\n"))
    variant("attribute names are compared with case: no key here", "RF-302", savp(crypto().replace("a=crypto", "a=Crypto")))
    variant("TEL-23: RTP/AVP with keys", True, savp(crypto(5), profile="RTP/AVP"), tag=5, shows=r"m=audio \d+ RTP/AVP ")
    variant("TEL-23: answered RTP/SAVP where that is asked for", True, savp(crypto(5), profile="RTP/AVP"),
            "--answer-profile", "savp", shows=r"m=audio \d+ RTP/SAVP ")
    variant("RTP/SAVPF is mirrored", True, savp(crypto(5), profile="RTP/SAVPF"), shows=r"RTP/SAVPF")
    variant("DTLS brings its keys itself", "RF-302", savp("a=fingerprint:sha-256 AA", profile="UDP/TLS/RTP/SAVP"))
    variant("TEL-34: DTLS with SRTP off", "RF-302", savp("a=fingerprint:sha-256 AA", profile="UDP/TLS/RTP/SAVP"), srtp="off")
    variant("MIKEY is none of our keyings", "RF-302", savp(MIKEY))
    variant("k= is no key of SRTP", "RF-301", savp(head=HEAD + "k=clear:secret\r\n", profile="RTP/AVP"))
    variant("TEL-36: SRTP off, keys in the offer", True, savp(crypto(8)), srtp="off", tag=8)
    variant("optional, plain", True, savp(profile="RTP/AVP"), srtp="optional", shows=r"m=audio \d+ RTP/AVP ")
    variant("optional, RTP/SAVP without a key", "RF-302", savp(), srtp="optional")
    variant("TEL-12: keys over UDP are taken, and reported", True, savp(crypto()), "--transport", "udp", shows=r"a=crypto:1 ")
    variant("TEL-12: hosted refuses them", "RF-309", savp(crypto()), "--transport", "udp", "--hosted")
    variant("hosted wants SRTP whatever is set", "RF-301", savp(profile="RTP/AVP"), "--hosted", srtp="off")
    variant("TEL-30: NULL_AUTH comes last", True, savp(crypto(1, "AES_CM_128_NULL_AUTH"), crypto(2, CM32)), "--suites",
            NINE, "--allow-null-auth", tag=2)
    clear = [crypto(1, CM256, f"inline:{KEY46} UNENCRYPTED_SRTP"), crypto(2, CM80, f"inline:{KEY} UNENCRYPTED_SRTCP")]
    variant("TEL-29: unencrypted lines are passed over", "RF-306", savp(*clear))
    variant("TEL-29: for one that encrypts, also where they are allowed", True, savp(*clear, crypto(3, CM32)),
            "--allow-unencrypted-srtp", tag=3, shows=rf"a=crypto:3 {CM32} inline:[^ ]+\r")
    variant("TEL-29: allowed: reports in clear before audio in clear", True, savp(*clear), "--allow-unencrypted-srtp", tag=2,
            shows=r" UNENCRYPTED_SRTCP\r")
    variant("TEL-29: allowed: audio in clear, and said so", True, savp(clear[0]), "--allow-unencrypted-srtp", tag=1,
            shows=r" UNENCRYPTED_SRTP\r", clear=["UNENCRYPTED_SRTP"])
    variant("TEL-29: never on hosted", "RF-306", savp(*clear), "--allow-unencrypted-srtp", "--hosted")
    variant("TEL-29: RFC 7714 8.2: never SRTP with GCM", "RF-306",
            savp(crypto(1, "AEAD_AES_256_GCM", f"inline:{KEY44} UNENCRYPTED_SRTP")), "--suites", ALL, "--allow-unencrypted-srtp")
    variant("TEL-29: UNAUTHENTICATED_SRTP never", "RF-306", savp(crypto(1, CM80, f"inline:{KEY} UNAUTHENTICATED_SRTP")),
            "--allow-unencrypted-srtp", "--allow-null-auth")
    no_cipher = crypto(6, "NULL_HMAC_SHA1_32")
    variant("TEL-29: a suite that encrypts nothing needs its place in the list", "RF-303", savp(no_cipher), "--allow-unencrypted-srtp")
    variant("TEL-29: and its switch", "RF-303", savp(no_cipher), "--suites", ALL, "--allow-null-auth")
    variant("TEL-29: and comes after one that encrypts", True, savp(no_cipher, crypto(7, CM32)), "--suites", ALL,
            "--allow-unencrypted-srtp", "--offerer-order", tag=7)
    variant("TEL-29: never on hosted, either", "RF-303", savp(no_cipher), "--suites", ALL, "--allow-unencrypted-srtp", "--hosted")
    variant("64 kB of attributes", "RF-514", savp(crypto(), media=("a=x:" + "y" * 994 + "\r\n") * 64))
    variant("a key of 64 kB", "RF-514", savp(crypto(1, CM80, "inline:" + "A" * 65000)))
    variant("three hundred streams", "RF-514", savp(crypto(), media="m=video 0 RTP/AVP 96\r\n" * 300))
    for port in (65536, -1, "x"):
        variant(f"port {port}", "RF-514", savp(crypto(), port=port))
    variant("every port is 0", "RF-514", savp(crypto(), port=0, media=VIDEO.replace("40002", "0")))
    variant("an IPv6 literal that calls itself IPv4", "RF-514", savp(crypto(), head=HEAD.replace("c=IN IP4 192.0.2.50", "c=IN IP4 2001:db8::1")))
    variant("an IPv4 literal that calls itself IPv6", "RF-514", savp(crypto(), head=HEAD.replace("c=IN IP4", "c=IN IP6")))
    variant("nine streams are more than we read", "RF-514", savp(crypto()) + "m=video 0 RTP/AVP 96\r\n" * 8)
    variant("no audio", "RF-514", HEAD + VIDEO)


def bypasses():
    for name, line in (("a=crypto", crypto()), ("MIKEY", MIKEY), ("k=", "k=base64:c2VjcmV0"),
                       ("a capability", "a=acap:1 " + crypto()[2:])):
        sdp = savp(profile="RTP/AVP").replace("c=IN", line + "\r\nc=IN", 1) if name == "k=" else savp(line, profile="RTP/AVP")
        variant(f"TEL-33: bypass by TLS, {name}", True, sdp, "--bypass")
        variant(f"TEL-33: bypass by UDP, {name}", "RF-309", sdp, "--bypass", "--transport", "udp")
        variant(f"TEL-33: bypass on hosted, {name}", "RF-307", sdp, "--bypass", "--hosted")
    variant("TEL-33: bypass by UDP without a key", True, savp(profile="RTP/AVP"), "--bypass", "--transport", "udp")


def answers():
    variant("TEL-38: a tag with a zero before it", True, savp(crypto("05")), tag=5, **ANSWER)
    variant("TEL-38: the suite in lower case", True, savp(crypto(5, CM80.lower())), tag=5, suite=CM80, **ANSWER)
    variant("TEL-38: the right suite by its alias", True, savp(crypto(3, "AES_CM_256_HMAC_SHA1_80", f"inline:{KEY46}")),
            suite=CM256, **ANSWER)
    variant("TEL-38: another tag than the suite's", "RF-306", savp(crypto(8)), **ANSWER)
    variant("TEL-38: tag 0 was never offered", "RF-306", savp(crypto(0)), **ANSWER)
    variant("TEL-38: two lines, the second broken", "RF-306", savp(crypto(5), "a=crypto:8"), **ANSWER)
    variant("TEL-38: a parameter we did not offer", "RF-306", savp(crypto(5, CM80, f"inline:{KEY} UNENCRYPTED_SRTCP")), **ANSWER)
    variant("TEL-29: nor where it is allowed", "RF-306", savp(crypto(5, CM80, f"inline:{KEY} UNENCRYPTED_SRTP")),
            "--allow-unencrypted-srtp", **ANSWER)
    variant("TEL-39: MKI and lifetime in an answer", True, savp(crypto(5, CM80, f"inline:{KEY}|2^31|1:1")), tag=5, **ANSWER)
    variant("TEL-31: keys of video alone", "RF-304", savp(media=VIDEO), **ANSWER)
    variant("TEL-31: plain", "RF-304", savp(profile="RTP/AVP"), **ANSWER)
    variant("TEL-32: SRTP off and a key", "RF-305", savp(crypto(5), profile="RTP/AVP"), srtp="off", **ANSWER)
    variant("TEL-32: SRTP off and plain", True, savp(profile="RTP/AVP"), srtp="off", **ANSWER)
    variant("an answer in IPv6", True, savp(crypto(5), head=HEAD6), tag=5, **ANSWER)
    variant("an answer with two good lines", "RF-306", savp(crypto(5), crypto(8, CM32, f"inline:{KEY2}")), **ANSWER)
    variant("an answer of 64 kB", "RF-514", savp(crypto(5), media=("a=x:" + "y" * 994 + "\r\n") * 64), **ANSWER)
    variant("an answer of port 0", "RF-514", savp(crypto(5), port=0), **ANSWER)
    variant("an answer of 300 streams", "RF-514", savp(crypto(5), media="m=video 0 RTP/AVP 96\r\n" * 300), **ANSWER)
    variant("an answer that takes a suite without a cipher", "RF-306", savp(crypto(5, "NULL_HMAC_SHA1_80")), "--suites", ALL,
            "--allow-unencrypted-srtp", **ANSWER)
    variant("DTLS where SDES was offered", "RF-302", savp("a=fingerprint:sha-256 AA", profile="UDP/TLS/RTP/SAVP"), **ANSWER)


def rows(name, judge, label):
    for row in load(name):
        good, text = judge(row)
        tap.ok(good, f"{label}: {row.get('id', row.get('why'))}", (row.get("line"), text))


rows("sdp/srtp-policy.json", policy_row, "TEL-21 to TEL-38")
rows("srtp/sdes-lines.json", line_row, "TEL-39")
offers()
bypasses()
answers()
tap.done()
