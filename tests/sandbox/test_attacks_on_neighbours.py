"""Programs that reach others by roundabout ways, or undo what holds them."""

import os

import pytest

from tests.sandbox.proving_ground import Attack, Ground, assert_repelled

WALL = frozenset({"wall_seconds"})
X86 = os.uname().machine == "x86_64"

ATTACKS = {
    "datagrams to named sockets": Attack(
        program="""
import socket
for kind in (socket.SOCK_DGRAM, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC, socket.SOCK_RAW):
    pair = attempt(socket.socketpair, socket.AF_UNIX, kind)
    names = [f"{GROUND}/log.sock", "/dev/log", "/run/systemd/journal/socket"]
    names += [f"\\0proving-ground-log-{PARENT}-{suffix}" for suffix in ("auto", "landlock")]
    for name in names if pair else ():
        try:
            pair[0].sendto(b"escaped", name)
            breach(f"sent to {name!r}")
        except OSError:
            pass
"""
    ),
    "a connected pair turned to a name": Attack(
        program="""
import socket
for kind in (socket.SOCK_STREAM, socket.SOCK_SEQPACKET):
    one, other = socket.socketpair(socket.AF_UNIX, kind)
    attempt(one.sendto, b"escaped", f"{GROUND}/log.sock")
    attempt(one.sendmsg, [b"escaped"], [], 0, f"{GROUND}/log.sock")
    attempt(one.connect, f"{GROUND}/log.sock")
"""
    ),
    "pairs of other families": Attack(
        program="""
import socket
for family in range(2, 46):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET, socket.SOCK_RDM):
        attempt(socket.socketpair, family, kind) and breach(f"family {family}")
"""
    ),
    "signals sent by a file": Attack(
        program="""
import fcntl
for victim in (PARENT, ZYGOTE, os.getppid()):
    for number in (signal.SIGKILL, signal.SIGTERM):
        reading, writing = os.pipe()
        for command, value in ((8, victim), (10, int(number))):
            attempt(fcntl.fcntl, reading, command, value)
        flags = fcntl.fcntl(reading, fcntl.F_GETFL)
        attempt(fcntl.fcntl, reading, fcntl.F_SETFL, flags | os.O_ASYNC)
        os.write(writing, b"x")
"""
    ),
    "leases on the files of others": Attack(
        program="""
import fcntl
for path in (VICTIM, os.__file__):
    file = attempt(os.open, path, os.O_RDONLY)
    if file is not None and PARENT:
        try:
            fcntl.fcntl(file, 1024, fcntl.F_RDLCK)
            fcntl.fcntl(file, 1025) == fcntl.F_RDLCK and breach(f"lease on {path}")
        except OSError:
            pass
"""
    ),
    "the lock of its sandbox": Attack(
        program="""
import fcntl
for path in ("..", "../.."):
    folder = attempt(os.open, path, os.O_RDONLY | os.O_DIRECTORY)
    if folder is not None and os.stat(folder).st_nlink and GROUND not in os.listdir(folder):
        names = os.listdir(folder)
        any(name.startswith("run-") for name in names) and breach(f"sees {names}")
"""
    ),
    "descriptors hoarded on their way": Attack(
        program="""
import socket
print("attempted", flush=True)
one, other = socket.socketpair()
one.setblocking(False)
sent = 0
try:
    for _ in range(2000):
        file = os.open("/dev/null", os.O_RDONLY)
        socket.send_fds(one, [b"x"], [file])
        os.close(file)
        sent += 1
except OSError:
    pass
sent > 200 and breach(f"{sent} descriptors")
"""
    ),
    "set-id programs of the libraries": Attack(
        program="""
print("attempted", flush=True)
tried = 0
for top in ("/usr/lib", "/usr/libexec", "/lib", "/bin", "/usr/bin"):
    for folder, _, names in os.walk(top):
        for name in names:
            path = os.path.join(folder, name)
            try:
                mode = os.stat(path).st_mode
            except OSError:
                continue
            if mode & 0o6000 and mode & 0o111 and tried < 20:
                tried += 1
                pid = os.fork()
                if pid == 0:
                    try:
                        os.execv(path, [path, "--version"])
                    except OSError:
                        os._exit(9)
                os.waitpid(pid, 0)
os.getresuid()[1] != os.geteuid() and breach("another user")
""",
    ),
    "devices of its own": Attack(
        program="""
import stat
for kind, major, minor in ((stat.S_IFCHR, 1, 1), (stat.S_IFBLK, 254, 0), (stat.S_IFCHR, 1, 5)):
    attempt(os.mknod, "device", kind | 0o666, os.makedev(major, minor))
    try:
        open("device", "rb").read(1)
        breach(f"device {major}:{minor}")
    except OSError:
        pass
"""
    ),
    "a wider rule set": Attack(
        program="""
attributes = (ctypes.c_uint64 * 3)(1, 0, 0)
print("attempted", flush=True)
rules = syscall(444, ctypes.addressof(attributes), 24, 0)
class Rule(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("rights", ctypes.c_uint64), ("place", ctypes.c_int32)]
try:
    rule = Rule(1, os.open("/", os.O_PATH))
    syscall(445, rules, 1, ctypes.addressof(rule), 0)
except OSError:
    pass
syscall(446, rules, 0)
for path in (SECRET, "/etc/passwd"):
    try:
        KEY[::-1] in open(path).read() and breach("read it")
    except OSError:
        pass
try:
    open(VICTIM, "w")
    breach("wrote")
except OSError:
    pass
"""
    ),
    "a filter that allows all": Attack(
        program="""
print("attempted", flush=True)
class Filter(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_void_p)]
allow = (ctypes.c_ubyte * 8)(6, 0, 0, 0, 0, 0, 0xFF, 0x7F)
filter = Filter(1, ctypes.addressof(allow))
libc.prctl(22, 2, ctypes.byref(filter), 0, 0)
libc.prctl(22, 0, 0, 0, 0)
libc.prctl(38, 0, 0, 0, 0)
libc.unshare(0x10000000) == 0 and breach("unshare")
libc.ptrace(16, 1, None, None) == 0 and breach("ptrace")
import socket
try:
    socket.socket()
    breach("socket")
except OSError:
    pass
"""
    ),
    "capabilities raised again": Attack(
        program="""
print("attempted", flush=True)
class Header(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]
full = (ctypes.c_uint32 * 6)(*[0xFFFFFFFF] * 6)
libc.capset(ctypes.byref(Header(0x20080522, 0)), full) == 0 and breach("capset")
for capability in range(41):
    libc.prctl(47, 2, capability, 0, 0) == 0 and breach(f"ambient {capability}")
libc.prctl(28, 1, 0, 0, 0) == 0 and breach("securebits")
"""
    ),
    "timers that signal others": Attack(
        program="""
class Event(ctypes.Structure):
    _fields_ = [("value", ctypes.c_void_p), ("number", ctypes.c_int), ("notify", ctypes.c_int),
                ("thread", ctypes.c_int), ("rest", ctypes.c_char * 44)]
timer = ctypes.c_int()
for victim in (PARENT, ZYGOTE, os.getppid()):
    print("attempted", flush=True)
    event = Event(None, signal.SIGKILL, 4, victim)
    if syscall(222, 0, ctypes.addressof(event), ctypes.addressof(timer)) == 0:
        breach(f"timer for {victim}")
"""
        if X86
        else "print('attempted')"
    ),
    "the robust list of others": Attack(
        program="""
head, length = ctypes.c_void_p(), ctypes.c_size_t()
for victim in (PARENT, ZYGOTE, os.getppid()):
    print("attempted", flush=True)
    if syscall(274, victim, ctypes.addressof(head), ctypes.addressof(length)) == 0:
        breach(f"robust list of {victim}")
"""
        if X86
        else "print('attempted')"
    ),
    "its standard input": Attack(
        program="""
import fcntl
for action in (lambda: os.write(0, b"x"), lambda: os.ftruncate(0, 1 << 20),
               lambda: fcntl.fcntl(0, 1033, 0) or os.pwrite(0, b"x", 0)):
    try:
        print("attempted", flush=True)
        action()
        breach("changed its input")
    except OSError:
        pass
"""
    ),
    "stopping its whole group": Attack(
        program="attempt(os.kill, 0, signal.SIGSTOP)\ntime.sleep(60)", hits=WALL
    ),
    "a sibling left behind": Attack(
        program="""
print("attempted", flush=True)
if syscall(56, 0x8000 | 17, 0, 0, 0, 0) == 0:
    for descriptor in range(3):
        os.close(descriptor)
    time.sleep(3600)
"""
        if X86
        else "print('attempted')"
    ),
    "a daemon below its own reaper": Attack(
        program="""
print("attempted", flush=True)
libc.prctl(36, 1, 0, 0, 0)
if os.fork() == 0:
    libc.prctl(1, 0, 0, 0, 0)
    if os.fork() == 0:
        time.sleep(3600)
    os._exit(0)
os.wait()
"""
    ),
    "a comet": Attack(
        program="""
print("attempted", flush=True)
if os.fork() == 0:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            if os.fork():
                os._exit(0)
        except OSError:
            pass
"""
    ),
    "a parent that waits uninterruptibly": Attack(
        program="attempt(str)\nlibc.vfork() == 0 and time.sleep(3600)", hits=WALL
    ),
    "visible again to be traced": Attack(
        program="""
print("attempted", flush=True)
libc.prctl(4, 1, 0, 0, 0)
libc.prctl(0x59616D61, -1, 0, 0, 0)
for pid in (PARENT, ZYGOTE, os.getppid()):
    try:
        os.listdir(f"/proc/{pid}/fd")
        breach(f"descriptors of {pid}")
    except OSError:
        pass
"""
    ),
}


@pytest.mark.attack
@pytest.mark.parametrize("name", ATTACKS)
async def test_is_repelled(ground: Ground, name: str) -> None:
    outcome = (await ground.suffer(ATTACKS))[name]
    assert_repelled(ATTACKS[name], outcome)


async def test_nobody_was_reached_and_nothing_is_left(ground: Ground) -> None:
    pid = ground.sandbox.zygote_pid
    await ground.suffer(ATTACKS)
    assert ground.connections() == 0
    assert await ground.survivors() == 0
    assert ground.sandbox.zygote_pid == pid


@pytest.mark.slow
def test_the_sockets_would_have_heard(ground: Ground) -> None:
    import socket

    sender, _ = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with sender, _:
        for receiver in ground.datagrams:
            sender.sendto(b"heard", receiver.getsockname())
    assert ground.connections() == 2
