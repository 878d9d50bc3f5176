"""Programs that use memory, CPU time and disk where nobody counts."""

import sys
from dataclasses import replace

import pytest

from lamas.sandbox import SandboxLimits
from tests.sandbox.proving_ground import LIMITS, MIB, Attack, Ground, assert_repelled

pytestmark = pytest.mark.slow

CPU = frozenset({"cpu_seconds"})
MEMORY = frozenset({"memory_bytes"})
SCRATCH = frozenset({"scratch_bytes"})
LONG: SandboxLimits = replace(LIMITS, wall_seconds=25.0)
"""Enough wall time to spend much more than one second of CPU time, on a busy machine too."""
ROOMY: SandboxLimits = replace(LIMITS, cpu_seconds=20.0, wall_seconds=6.0)
# Twice the time that the program has, in children one after another: each is gone when the next
# begins, and the last one's end is what a program that is counted does not live to tell.
_SPEND = """
def spend(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
def busy_children(make, seconds=0.2, count=10):
    for _ in range(count):
        working, end = os.pipe()
        if make() == 0:
            spend(seconds)
            os._exit(0)
        os.close(end)
        os.read(working, 1)
        os.close(working)
    breach("spent the time of others")
"""

ATTACKS = {
    "shared memory in many processes": Attack(
        program="""
import mmap
print("attempted", flush=True)
working, end = os.pipe()
for _ in range(5):
    if os.fork() == 0:
        hoard = attempt(mmap.mmap, -1, 100 << 20)
        if hoard:
            for at in range(0, len(hoard), 1 << 20):
                hoard[at : at + (1 << 20)] = bytes(1 << 20)
            os.write(end, b"x")
            time.sleep(60)
        os._exit(0)
os.close(end)
held = 0
while os.read(working, 1):
    held += 1
    if held == 5:
        time.sleep(1)
        breach("500 MiB shared")
""",
        limits=ROOMY,
    ),
    "shared memory unmapped but for one page": Attack(
        program="""
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + [ctypes.c_int] * 3 + [ctypes.c_long]
libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
size, kept = 64 << 20, 0
for kind in (0x21, 0x23):
    for _ in range(12):
        print("attempted", flush=True)
        place = libc.mmap(None, size, 3, kind, -1, 0)
        if place in (None, 2**64 - 1):
            break
        ctypes.memset(place, 1, size)
        libc.munmap(place + 4096, size - 4096)
        kept += size
kept > 256 << 20 and breach(f"{kept >> 20} MiB")
""",
        limits=ROOMY,
    ),
    "the zero device mapped and shared": Attack(
        program="""
import mmap
kept = []
for _ in range(3):
    device = attempt(os.open, "/dev/zero", os.O_RDWR)
    if device is not None:
        kept.append(attempt(mmap.mmap, device, 16 << 20))
any(kept) and breach("shared pages of no process")
"""
    ),
    "memory in pipes": Attack(
        program="""
import fcntl
print("attempted", flush=True)
held = 0
try:
    while True:
        _, end = os.pipe()
        fcntl.fcntl(end, 1031, 1 << 20)
        os.set_blocking(end, False)
        held += os.write(end, bytes(1 << 20))
except OSError:
    pass
held > 64 << 20 and breach(f"{held >> 20} MiB in pipes")
"""
    ),
    "memory in sockets": Attack(
        program="""
import socket
print("attempted", flush=True)
held, pairs = 0, []
try:
    while True:
        pairs.append(socket.socketpair())
        for forced in (32, socket.SO_SNDBUF):
            attempt(pairs[-1][0].setsockopt, socket.SOL_SOCKET, forced, 1 << 28)
        pairs[-1][0].setblocking(False)
        while True:
            try:
                held += pairs[-1][0].send(bytes(1 << 16))
            except BlockingIOError:
                break
except OSError:
    pass
held > 64 << 20 and breach(f"{held >> 20} MiB in sockets")
"""
    ),
    "memory locked": Attack(
        program="""
hoard = ctypes.create_string_buffer(1 << 20)
print("attempted", flush=True)
libc.mlock(hoard, 1 << 20) == 0 and breach("mlock")
libc.mlockall(3) == 0 and breach("mlockall")
"""
    ),
    "memory of a shared file in many processes": Attack(
        program="""
import mmap
file = open("file", "w+b")
print("attempted", flush=True)
attempt(file.truncate, 512 << 20)
try:
    hoard = mmap.mmap(file.fileno(), 0)
    for at in range(0, len(hoard), 4096):
        hoard[at] = 1
    breach("512 MiB")
except (OSError, ValueError):
    pass
""",
        limits=ROOMY,
    ),
    "children nobody waits for": Attack(
        program=_SPEND
        + """
attempt(signal.signal, signal.SIGCHLD, signal.SIG_IGN)
busy_children(os.fork)
""",
        hits=CPU,
        limits=LONG,
    ),
    "children the kernel is told to forget": Attack(
        program=_SPEND
        + """
class Action(ctypes.Structure):
    _fields_ = [("handler", ctypes.c_void_p), ("flags", ctypes.c_ulong),
                ("restorer", ctypes.c_void_p), ("mask", ctypes.c_ulong)]
action = Action(0, 2, None, 0)
print("attempted", flush=True)
syscall(13, signal.SIGCHLD, ctypes.addressof(action), 0, 8)
busy_children(os.fork)
"""
        if sys.platform == "linux"
        else "",
        hits=CPU,
        limits=LONG,
    ),
    "children that are siblings": Attack(
        program=_SPEND + "busy_children(lambda: syscall(56, 0x8000 | 17, 0, 0, 0, 0))",
        hits=CPU,
        limits=LONG,
    ),
    "children that end without a signal": Attack(
        program=_SPEND + "busy_children(lambda: syscall(56, 0, 0, 0, 0, 0))",
        hits=CPU,
        limits=LONG,
    ),
    "orphans of orphans": Attack(
        program=_SPEND
        + """
def orphan():
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[0]
    return 0 if os.fork() == 0 else os._exit(0)
busy_children(orphan)
""",
        hits=CPU,
        limits=LONG,
    ),
    "many children too short to be seen": Attack(
        program=_SPEND
        + """
attempt(signal.signal, signal.SIGCHLD, signal.SIG_IGN)
started = 0
while started < 120:
    try:
        if os.fork() == 0:
            spend(0.03)
            os._exit(0)
        started += 1
    except OSError:
        time.sleep(0.01)
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass
breach("spent 3.6 s")
""",
        hits=CPU,
        limits=LONG,
    ),
    "a subreaper that forgets": Attack(
        program=_SPEND
        + """
libc.prctl(36, 1, 0, 0, 0)
attempt(signal.signal, signal.SIGCHLD, signal.SIG_IGN)
def adopted():
    child = os.fork()
    if child:
        try:
            os.waitpid(child, 0)
        except ChildProcessError:
            pass
        return child
    return 0 if os.fork() == 0 else os._exit(0)
busy_children(adopted)
""",
        hits=CPU,
        limits=LONG,
    ),
    "threads of many processes": Attack(
        program=_SPEND
        + """
import threading
for _ in range(2):
    os.fork()
threading.Thread(target=spend, args=(9,)).start()
spend(9)
""",
        hits=CPU,
        limits=LONG,
    ),
    "deleted files that stay open": Attack(
        program="""
attempt(str)
held = []
for number in range(20):
    held.append(open(f"file-{number}", "wb", buffering=0))
    os.unlink(f"file-{number}")
    held[-1].write(bytes(2 << 20))
time.sleep(2)
breach("40 MiB that no folder shows")
""",
        hits=SCRATCH,
        limits=ROOMY,
    ),
    "files without a name": Attack(
        program="""
attempt(str)
held = []
try:
    for _ in range(20):
        held.append(os.open(".", os.O_TMPFILE | os.O_RDWR))
        os.write(held[-1], bytes(2 << 20))
except OSError as error:
    print("refused", error)
else:
    time.sleep(2)
    breach("40 MiB without a name")
""",
        limits=ROOMY,
    ),
    "space reserved beyond a file's end": Attack(
        program="""
attempt(str)
for number in range(16):
    file = os.open(f"file-{number}", os.O_CREAT | os.O_RDWR)
    libc.fallocate(file, 1, ctypes.c_long(0), ctypes.c_long(3 << 20))
time.sleep(2)
used = sum(os.stat(f"file-{number}").st_blocks * 512 for number in range(16))
used > 8 << 20 and breach(f"{used >> 20} MiB reserved")
""",
        limits=ROOMY,
    ),
    "attributes of a file": Attack(
        program="""
attempt(str)
open("file", "w").close()
held = 0
for number in range(4000):
    try:
        os.setxattr("file", f"user.name-{number}", bytes(60000))
        held += 60000
    except OSError:
        break
held > 8 << 20 and breach(f"{held >> 20} MiB in attributes")
"""
    ),
    "empty files without end": Attack(
        program="""
attempt(str)
made = 0
try:
    while True:
        os.close(os.open(f"file-{made}", os.O_CREAT | os.O_WRONLY))
        made += 1
except OSError:
    pass
made > 20_000 and breach(f"{made} files")
""",
        hits=frozenset(),
        limits=ROOMY,
    ),
}


@pytest.mark.attack
@pytest.mark.parametrize("name", ATTACKS)
async def test_is_repelled(ground: Ground, name: str) -> None:
    outcome = (await ground.suffer(ATTACKS))[name]
    assert_repelled(ATTACKS[name], outcome)


async def test_the_sandbox_still_works_and_nothing_is_left(ground: Ground) -> None:
    await ground.suffer(ATTACKS)
    after = await ground.sandbox.run("import os\nprint(os.listdir('.'))", limits=ROOMY)
    assert (after.status, after.stdout) == ("ok", "[]\n")
    assert await ground.survivors() == 0


async def test_private_memory_and_waited_children_are_the_programs_own_affair(
    ground: Ground,
) -> None:
    """What the filter refuses is not what programs do."""
    program = """
import mmap, signal, socket, subprocess, sys
page = mmap.mmap(-1, 1 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
with open("file", "w+b") as file:
    file.truncate(4096)
    mmap.mmap(file.fileno(), 0)[0] = 1
for kind in (socket.SOCK_STREAM, socket.SOCK_SEQPACKET):
    for end in socket.socketpair(socket.AF_UNIX, kind):
        end.close()
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print(signal.getsignal(signal.SIGCHLD) == signal.SIG_DFL)
print(subprocess.run([sys.executable, "-c", "print(6 * 7)"], capture_output=True).stdout)
"""
    outcome = await ground.sandbox.run(program, limits=replace(ROOMY, memory_bytes=512 * MIB))
    assert outcome.stderr == ""
    assert outcome.stdout == "True\nb'42\\n'\n"
