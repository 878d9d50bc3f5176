"""Programs that try to take more than they were given."""

from dataclasses import replace

import pytest

from lamas.sandbox import SandboxLimits
from tests.sandbox.proving_ground import LIMITS, Attack, Ground, assert_repelled

TIME = frozenset({"cpu_seconds", "wall_seconds"})
WALL = frozenset({"wall_seconds"})
OUTPUT = frozenset({"output_bytes"})
MEMORY = frozenset({"memory_bytes"})
PROCESSES = frozenset({"processes"})
SCRATCH = frozenset({"scratch_bytes"})
LONG: SandboxLimits = replace(LIMITS, cpu_seconds=20.0, wall_seconds=8.0)

ATTACKS = {
    "fork bomb": Attack(program="while True: os.fork()", hits=PROCESSES | TIME),
    "fork bomb that catches errors": Attack(
        program="""
while True:
    try:
        os.fork()
    except OSError:
        pass
""",
        hits=PROCESSES | TIME,
    ),
    "thread bomb": Attack(
        program="""
import threading
while True:
    threading.Thread(target=time.sleep, args=(60,)).start()
""",
        hits=PROCESSES | MEMORY | TIME,
    ),
    "memory bomb": Attack(
        program="""
hoard = []
while True:
    hoard.append(bytearray(1 << 24))
""",
        hits=MEMORY,
        limits=LONG,
    ),
    "memory bomb in many processes": Attack(
        program="""
for _ in range(6):
    if os.fork() == 0:
        hoard = bytearray(os.urandom(1 << 20)) * 100
        time.sleep(60)
time.sleep(60)
""",
        hits=MEMORY,
        limits=LONG,
    ),
    "memory through shared segments and memory files": Attack(
        program="""
for size in (1 << 30, 1 << 24):
    attempt(str)
    if libc.shmget(0, ctypes.c_size_t(size), 0o1666) >= 0:
        breach("shared memory segment")
if attempt(os.memfd_create, "hoard"):
    breach("memory file")
"""
    ),
    "infinite loop": Attack(program="while True: pass", hits=TIME),
    "infinite loop that ignores signals": Attack(
        program="""
for number in range(1, 65):
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
while True: pass
""",
        hits=TIME,
    ),
    "infinite loops in many processes": Attack(
        program="""
for _ in range(5):
    os.fork() == 0 and exec("while True: pass")
while True: pass
""",
        hits=TIME | PROCESSES,
    ),
    "sleep for ever": Attack(program="time.sleep(10**6)", hits=WALL),
    "stop itself": Attack(program="os.kill(os.getpid(), signal.SIGSTOP)", hits=WALL),
    "wait for input from a pipe nobody fills": Attack(
        program="os.mkfifo('pipe')\nopen('pipe').read()", hits=WALL
    ),
    "one step that cannot be interrupted": Attack(program="10 ** 10 ** 9", hits=TIME | MEMORY),
    "regular expression that backtracks": Attack(
        program="import re\nre.match('(a+)+$', 'a' * 60 + 'b')", hits=TIME
    ),
    "flood of output": Attack(
        program="while True: sys.stdout.write('flood' * 1000)", hits=OUTPUT, limits=LONG
    ),
    "flood of errors": Attack(
        program="while True: sys.stderr.write('flood' * 1000)", hits=OUTPUT, limits=LONG
    ),
    "flood of bytes that are no text": Attack(
        program="while True: os.write(1, bytes(range(256)) * 64)", hits=OUTPUT, limits=LONG
    ),
    "fill the disk with one file": Attack(
        program="""
with open("big", "wb", buffering=0) as file:
    while True:
        file.write(bytes(1 << 20))
""",
        hits=SCRATCH,
        limits=LONG,
    ),
    "fill the disk with many files": Attack(
        program="""
for number in range(10**6):
    with open(f"file-{number}", "wb", buffering=0) as file:
        file.write(bytes(1 << 16))
""",
        hits=SCRATCH,
        limits=LONG,
    ),
    "exhaust files": Attack(
        program="files = [open('/dev/null') for _ in range(10**5)]\nbreach('files')",
        hits=frozenset({"open_files"}),
        limits=LONG,
    ),
    "zip bomb": Attack(
        program="""
import zlib
layer = zlib.compress(bytes(1 << 26), 9)
pump = zlib.decompressobj()
hoard = []
while True:
    hoard.append(zlib.decompress(layer))
""",
        hits=MEMORY | TIME,
        limits=LONG,
    ),
    "recursion without end": Attack(
        program="""
attempt(str)
sys.setrecursionlimit(10**9)
class Deep:
    def __repr__(self): return repr(self)
repr(Deep())
breach("returned")
"""
    ),
    "core dump": Attack(
        program="""
import resource
attempt(resource.setrlimit, resource.RLIMIT_CORE, (1 << 30, 1 << 30))
pid = os.fork()
if pid == 0:
    os.abort()
_, status = os.waitpid(pid, 0)
os.WCOREDUMP(status) and breach("dumped core")
os.listdir(".") and breach("left " + str(os.listdir(".")))
"""
    ),
    "raise its own limits": Attack(
        program="""
import resource
for which in (resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_NPROC,
              resource.RLIMIT_NOFILE, resource.RLIMIT_FSIZE, resource.RLIMIT_CORE):
    attempt(resource.setrlimit, which, (-1, -1))
    if resource.getrlimit(which)[1] == -1:
        breach(f"limit {which}")
"""
    ),
    "change the parent's limits": Attack(
        program="""
import resource
for pid in (PARENT, ZYGOTE, os.getppid()):
    attempt(resource.prlimit, pid, resource.RLIMIT_NOFILE, (8, 8))
"""
    ),
    "take priority": Attack(
        program="""
attempt(os.setpriority, os.PRIO_PROCESS, 0, -20)
os.getpriority(os.PRIO_PROCESS, 0) < 0 and breach("priority")
attempt(os.sched_setscheduler, 0, os.SCHED_FIFO, os.sched_param(50))
os.sched_getscheduler(0) == os.SCHED_FIFO and breach("real time")
"""
    ),
    "nest folders without end": Attack(
        program="""
print("attempted", flush=True)
for _ in range(3000):
    os.mkdir("d")
    os.chdir("d")
"""
    ),
    "lock its scratch folder": Attack(
        program="""
os.makedirs("a/b/c")
open("a/b/c/file", "w").write("x")
for path in ("a/b/c", "a/b", "a"):
    attempt(os.chmod, path, 0)
"""
    ),
}


@pytest.mark.slow
@pytest.mark.attack
@pytest.mark.parametrize("name", ATTACKS)
async def test_is_repelled(ground: Ground, name: str) -> None:
    outcome = (await ground.suffer(ATTACKS))[name]
    assert_repelled(ATTACKS[name], outcome)


@pytest.mark.slow
async def test_the_sandbox_still_works_and_nothing_is_left(ground: Ground) -> None:
    await ground.suffer(ATTACKS)
    after = await ground.sandbox.run("import os\nprint(os.listdir('.'))", limits=LONG)
    assert (after.status, after.stdout) == ("ok", "[]\n")
    assert await ground.survivors() == 0
