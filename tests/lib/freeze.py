"""tests/lib/freeze.py - stops one thread of a process alone, by a debugger's means (ptrace), as a defect that never
returns would: the process lives, its other threads run."""
import ctypes
import os
import time

PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT = 17, 0x4206, 0x4207
WALL = 0x40000000  # waitpid: threads that are no process as well

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


def ptrace(request, tid):
    if libc.ptrace(request, tid, None, None) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def stop_thread(tid):
    """Until it is in a stop of the tracer."""
    ptrace(PTRACE_SEIZE, tid)
    ptrace(PTRACE_INTERRUPT, tid)
    os.waitpid(tid, WALL)


def let_go(tid):
    ptrace(PTRACE_DETACH, tid)


def see_end_of(tids, seconds=20):
    """Whoever traces a thread is told first of its end; until then the parent hears nothing."""
    deadline = time.time() + seconds
    for tid in reversed(tids):  # the first thread of a process ends last
        while time.time() < deadline:
            try:
                seen, status = os.waitpid(tid, WALL | os.WNOHANG)
            except ChildProcessError:
                break
            if seen == tid and (os.WIFEXITED(status) or os.WIFSIGNALED(status)):
                break
            time.sleep(0.02)


def thread_named(pid, name):
    """Its number, or None."""
    for tid in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{tid}/comm") as f:
            if f.read().strip() == name:
                return int(tid)
    return None
