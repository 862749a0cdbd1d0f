#!/usr/bin/env python3
"""./test tells a test that could not run, that ran too long or whose build broke, and ends by Ctrl-C with all it started."""
import importlib.machinery
import importlib.util
import io
import os
import signal
import subprocess
import sys
import time
import types
from contextlib import redirect_stdout, redirect_stderr

import tap

GOOD = ["sh", "-c", "echo ok 1; echo 1..1"]


def runner():
    """tools/run-tests, loaded anew."""
    path = os.path.join(tap.ROOT, "tools", "run-tests")
    loader = importlib.machinery.SourceFileLoader("run_tests", path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("run_tests", loader))
    sys.dont_write_bytecode = True
    loader.exec_module(module)
    return module


def with_tests(commands, **more):
    """One whose plain build is there and has these tests, and whose second build is `more`'s."""
    rt = runner()
    rt.BUILDS = [("plain", "build", [], "cc"), ("other", "none", [], "cc")]
    rt.build = lambda folder, *_: "" if folder == "build" else more.get("log", "")
    rt.meson_tests = lambda variant, _: more["introspect"]() if variant == "other" and "introspect" in more else [
        rt.Test("g", f"t{i}", c, {}, variant) for i, c in enumerate(commands if variant == "plain" else [GOOD])]
    rt.script_tests = lambda *_: []
    rt.TIMEOUT_S = more.get("timeout", 60)
    return rt


def run(rt):
    """Exit status, and what it printed."""
    args = types.SimpleNamespace(groups=[], quick=False, json=False, slowest=0, verbose=False)
    out = io.StringIO()
    with redirect_stdout(out), redirect_stderr(out):
        status = rt.run(args)
    return status, out.getvalue()


def is_there(mark):
    """Does a process with this word on its command line live?"""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if mark.encode() in open(f"/proc/{pid}/cmdline", "rb").read().split(b"\0"):
                return True
        except OSError:
            pass
    return False


def broken():
    raise OSError("introspection broke")


def sleeper(mark):
    """A test with a process of its own, both of which sleep."""
    child = f"import time; time.sleep(60)"
    return [sys.executable, "-c", f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}, {mark!r}])"]


def interrupted(number):
    """Exit status and seconds of a run that is told to stop, and whether what its test started lives on."""
    mark = f"runner-{os.getpid()}-{number}"
    code = ("import sys; sys.path[:0] = ['tests/tree', 'tests/lib']; import runner\n"
            f"rt = runner.with_tests([runner.sleeper({mark!r})] * 20)\n"
            "sys.argv = ['run-tests']; sys.exit(rt.main())")
    # Who starts these tests in the background ignores SIGINT, and children would, too.
    p = subprocess.Popen([sys.executable, "-c", code], cwd=tap.ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                         preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler))
    until = time.time() + 20
    while not is_there(mark) and time.time() < until and p.poll() is None:
        time.sleep(0.05)
    began = time.time()
    p.send_signal(number)
    try:
        status = p.wait(20)
    except subprocess.TimeoutExpired:
        p.kill()
        status = f"{p.wait()}, after 20 s"
    return status, time.time() - began < 15, is_there(mark)


def main():
    status, out = run(with_tests([GOOD, GOOD]))
    tap.ok(status == 0 and "3 passed, 0 failed" in out, "three good tests of two builds pass", out)
    status, out = run(with_tests([["/nonexistent/test"], GOOD]))
    tap.ok(status == 1 and "2 passed, 1 failed" in out, "a test that cannot be started has failed", out)
    status, out = run(with_tests([["sh", "-c", "echo ok 1; echo 1..2"], ["true"], ["sh", "-c", "echo ok 1; echo 1..1; exit 3"]]))
    tap.ok("3 passed, 3 failed" in out, "so has one that breaks off, says nothing, or ends with a status", out)
    mark = f"runner-{os.getpid()}-late"
    status, out = run(with_tests([sleeper(mark)], timeout=1))
    tap.ok(status == 1 and "not ended after 1 s" in out, "one that takes too long", out)
    tap.ok(not is_there(mark), "and what it started has gone with it")
    status, out = run(with_tests([GOOD], log="error: x"))
    tap.ok(status == 1 and "FAILED" in out and "1 passed, 1 failed" in out, "a build that fails is told", out)
    status, out = run(with_tests([GOOD], introspect=broken))
    tap.ok(status == 1 and "introspection broke" in out and "1 passed, 1 failed" in out, "one whose tests cannot be listed, too", out)
    for number in (signal.SIGINT, signal.SIGTERM):
        status, soon, lives = interrupted(number)
        tap.ok(status == 128 + number and soon and not lives, f"{number.name} ends it and what its tests started",
               f"status {status}, soon {soon}, left behind {lives}")
    tap.done()


if __name__ == "__main__":
    main()
