"""Programs that reach for other processes, the network, the kernel, or the next run."""

import os
import resource
import signal

import pytest

from tests.sandbox.proving_ground import LIMITS, Attack, Ground, assert_repelled

ATTACKS = {
    "connect to loopback": Attack(
        program="""
import socket
if attempt(socket.create_connection, ("127.0.0.1", PORT), 1):
    breach("loopback")
"""
    ),
    "connect to the outside": Attack(
        program="""
import socket
for target in (("1.1.1.1", 53), ("8.8.8.8", 443)):
    if attempt(socket.create_connection, target, 1):
        breach(str(target))
if attempt(socket.getaddrinfo, "example.org", 80):
    breach("name service")
import urllib.request
if attempt(urllib.request.urlopen, f"http://127.0.0.1:{PORT}/", None, 1):
    breach("http")
"""
    ),
    "send datagrams": Attack(
        program="""
import socket
for kind in (socket.SOCK_DGRAM, socket.SOCK_RAW):
    made = attempt(socket.socket, socket.AF_INET, kind)
    if made and attempt(made.sendto, b"x", ("127.0.0.1", PORT)):
        breach("datagram")
"""
    ),
    "listen": Attack(
        program="""
import socket
if attempt(socket.create_server, ("127.0.0.1", 0)):
    breach("listener")
"""
    ),
    "reach sockets of the machine": Attack(
        program="""
import socket
made = attempt(socket.socket, socket.AF_UNIX)
for suffix in ("auto", "landlock", "namespaces"):
    try:
        made and made.connect(f"\\0proving-ground-{PARENT}-{suffix}")
        made and breach("abstract socket")
    except OSError:
        pass
if attempt(socket.socket, socket.AF_NETLINK, socket.SOCK_RAW):
    breach("netlink")
if attempt(socket.socket, 40, socket.SOCK_STREAM):
    breach("vsock")
"""
    ),
    "kill the parent": Attack(
        program="""
for pid in (PARENT, ZYGOTE):
    for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGSTOP, signal.SIGINT, 0):
        attempt(os.kill, pid, number)
        try:
            os.killpg(pid, number)
        except OSError:
            pass
"""
    ),
    "kill everything": Attack(
        program="""
print("attempted", flush=True)
if os.fork() == 0:
    attempt(os.kill, -1, signal.SIGKILL)
"""
    ),
    "kill its supervisor": Attack(
        program="""
for number in (signal.SIGKILL, signal.SIGSTOP, signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
    attempt(os.kill, os.getppid(), number)
print("still here", flush=True)
"""
    ),
    "send queued signals": Attack(
        program="""
information = ctypes.create_string_buffer(128)
for pid in (PARENT, ZYGOTE, os.getppid()):
    print("attempted", flush=True)
    libc.sigqueue(pid, signal.SIGTERM, None)
    syscall(129, pid, signal.SIGTERM, ctypes.addressof(information))
try:
    signal.pidfd_send_signal(os.pidfd_open(PARENT), signal.SIGTERM)
    breach("pidfd")
except OSError:
    pass
"""
    ),
    "trace the parent": Attack(
        program="""
for pid in (PARENT, ZYGOTE, os.getppid(), 1):
    for request in (16, 0x4206):
        print("attempted", flush=True)
        if libc.ptrace(request, pid, None, None) == 0:
            breach(f"traced {pid}")
"""
    ),
    "read and write another process's memory": Attack(
        program="""
class Vector(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("size", ctypes.c_size_t)]
buffer = ctypes.create_string_buffer(8)
here = Vector(ctypes.addressof(buffer), 8)
for pid in (PARENT, ZYGOTE, os.getppid()):
    for call in (libc.process_vm_readv, libc.process_vm_writev):
        print("attempted", flush=True)
        if call(pid, ctypes.byref(here), 1, ctypes.byref(here), 1, 0) >= 0:
            breach("memory")
    try:
        open(f"/proc/{pid}/mem", "r+b")
        breach("mem file")
    except OSError:
        pass
"""
    ),
    "leave a daemon behind": Attack(
        program="""
print("attempted", flush=True)
if os.fork() == 0:
    try:
        os.setsid()
    except OSError:
        pass
    if os.fork() == 0:
        for stream in (0, 1, 2):
            os.close(stream)
        while True:
            time.sleep(0.01)
    os._exit(0)
os._exit(0)
"""
    ),
    "leave a daemon that holds the output": Attack(
        program="""
print("attempted", flush=True)
if os.fork() == 0:
    for number in range(1, 32):
        try:
            signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError):
            pass
    time.sleep(3600)
"""
    ),
    "outlive the limit as a daemon": Attack(
        program="""
for _ in range(3):
    if os.fork() == 0:
        try:
            os.setsid()
            os.setpgid(0, 0)
        except OSError:
            pass
        if os.fork() == 0:
            time.sleep(3600)
        os._exit(0)
time.sleep(3600)
""",
        hits=frozenset({"wall_seconds"}),
    ),
    "become root": Attack(
        program="""
for change in (os.setuid, os.seteuid, os.setgid, os.setegid):
    attempt(change, 0)
attempt(os.setgroups, [0])
for path in ("/bin/su", "/usr/bin/su", "/usr/bin/sudo"):
    try:
        subprocess.run([path, "-c", "id"], check=True)
        breach(path)
    except (OSError, subprocess.SubprocessError):
        pass
class Header(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]
data = (ctypes.c_uint32 * 6)()
libc.capget(ctypes.byref(Header(0x20080522, 0)), data)
any(data) and breach("capabilities")
"""
    ),
    "make new namespaces": Attack(
        program="""
for flag in (0x10000000, 0x20000, 0x20000000, 0x40000000, 0x8000000):
    print("attempted", flush=True)
    libc.unshare(flag) == 0 and breach(f"unshare {flag:x}")
pid = syscall(56, 0x10000000 | 17, 0, 0, 0, 0)
if pid == 0:
    os._exit(0)
pid > 0 and breach("clone")
syscall(435, 0, 0) >= 0 and breach("clone3")
"""
    ),
    "mount": Attack(
        program="""
os.mkdir("m")
for kind in (b"tmpfs", b"proc", b"sysfs"):
    print("attempted", flush=True)
    libc.mount(b"none", b"m", kind, 0, None) == 0 and breach("mounted")
libc.mount(b"/", b"m", None, 4096 | 16384, None) == 0 and breach("bound")
libc.mount(None, b"/", None, 32 | 4096, None) == 0 and breach("made writable")
libc.umount2(b"/scratch", 2) == 0 and breach("unmounted")
"""
    ),
    "call into the kernel": Attack(
        program="""
print("attempted", flush=True)
attributes = ctypes.create_string_buffer(256)
where = ctypes.addressof(attributes)
for name, number, arguments in (
    ("bpf", 321, (0, where, 64)), ("perf_event_open", 298, (where, 0, -1, -1, 0)),
    ("io_uring_setup", 425, (8, where)), ("userfaultfd", 323, (0,)),
    ("keyctl", 250, (0, -3, 1)), ("add_key", 248, (where, where, where, 1, -3)),
    ("kexec_load", 246, (0, 0, 0, 0)), ("init_module", 175, (where, 1, where)),
    ("personality", 135, (0x0040000,)), ("pidfd_getfd", 438, (0, 0, 0)),
    ("memfd_secret", 447, (0,)), ("a call of tomorrow", 480, ()),
    ("x32 getpid", 0x40000000 + 39, ()),
):
    syscall(number, *arguments) >= 0 and breach(name)
"""
        if os.uname().machine == "x86_64"
        else "print('attempted')"
    ),
    "type into a terminal": Attack(
        program="""
import fcntl, termios
for descriptor in (0, 1, 2):
    attempt(fcntl.ioctl, descriptor, termios.TIOCSTI, b"x")
"""
    ),
    "change the machine": Attack(
        program="""
attempt(time.clock_settime, time.CLOCK_REALTIME, 0.0)
libc.sethostname(b"owned", 5) == 0 and breach("host name")
libc.reboot(0x1234567) == 0 and breach("reboot")
libc.swapoff(b"/swapfile") == 0 and breach("swap")
"""
    ),
    "run other programs": Attack(
        program="""
for path in ("/bin/sh", "/usr/bin/bash", "/usr/bin/env", "/usr/bin/gcc", "/usr/bin/curl"):
    try:
        print("attempted", flush=True)
        subprocess.run([path, "--help"], check=True)
        breach(path)
    except (OSError, subprocess.SubprocessError):
        pass
"""
    ),
    "act in a program of its own": Attack(
        program="""
inner = f"print('attempted'); open({VICTIM!r}, 'w'); print('BREACH wrote')"
print(subprocess.run([sys.executable, "-c", inner], capture_output=True, text=True).stdout)
"""
    ),
    "poison the next run": Attack(
        program="""
import json, builtins, random
print("attempted", flush=True)
json.dumps = lambda value: "poisoned"
builtins.len = lambda value: 42
open("left-behind", "w").write("x")
sys.modules["math"] = None
"""
    ),
    "read what the supervisor holds": Attack(
        program="""
import gc
print("attempted", flush=True)
seen = str([item for item in gc.get_objects() if isinstance(item, (dict, list, tuple))])
KEY[::-1] in seen and breach("the key is in memory")
frame = sys._getframe()
while frame:
    for value in (*frame.f_locals.values(), *frame.f_globals.values()):
        if isinstance(value, int) and value > 2 and value < 10**4:
            try:
                os.fstat(value)
                breach(f"descriptor {value}")
            except OSError:
                pass
    frame = frame.f_back
"""
    ),
}


@pytest.mark.attack
@pytest.mark.parametrize("name", ATTACKS)
async def test_is_repelled(ground: Ground, name: str) -> None:
    outcome = (await ground.suffer(ATTACKS))[name]
    assert_repelled(ATTACKS[name], outcome)


async def test_nobody_was_reached(ground: Ground) -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    await ground.suffer(ATTACKS)
    assert ground.connections() == 0
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == before
    assert await ground.survivors() == 0


async def test_the_fork_server_is_the_same_as_before(ground: Ground) -> None:
    pid = ground.sandbox.zygote_pid
    await ground.suffer(ATTACKS)
    assert ground.sandbox.zygote_pid == pid


@pytest.mark.slow
async def test_the_next_run_is_clean(ground: Ground) -> None:
    await ground.suffer(ATTACKS)
    after = await ground.sandbox.run(
        "import json, math, os\nprint(json.dumps(len([math.pi])), os.listdir('.'))", limits=LIMITS
    )
    assert after.stdout == "1 []\n"


@pytest.mark.slow
async def test_the_supervisor_outlives_what_its_program_sends(ground: Ground) -> None:
    outcome = (await ground.suffer(ATTACKS))["kill its supervisor"]
    assert outcome.status == "ok"
    assert outcome.stdout.endswith("still here\n")


@pytest.mark.slow
def test_signals_meant_for_the_tests_would_have_ended_them() -> None:
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
