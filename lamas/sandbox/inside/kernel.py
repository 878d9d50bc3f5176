"""The Linux system calls that Python 3.11 does not wrap, through ctypes."""

import ctypes
import os
import platform
import sys

CLONE_PIDFD = 0x0000_1000
CLONE_NEWNS = 0x0002_0000
CLONE_NEWCGROUP = 0x0200_0000
CLONE_NEWUTS = 0x0400_0000
CLONE_NEWIPC = 0x0800_0000
CLONE_NEWUSER = 0x1000_0000
CLONE_NEWPID = 0x2000_0000
CLONE_NEWNET = 0x4000_0000
SIGCHLD = 17

MS_RDONLY = 1
MS_NOSUID = 2
MS_NODEV = 4
MS_NOEXEC = 8
MS_REMOUNT = 32
MS_BIND = 4096
MS_REC = 16384
MS_PRIVATE = 1 << 18
MNT_DETACH = 2

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_SECCOMP = 22
PR_CAPBSET_DROP = 24
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_CLEAR_ALL = 4

_ONE_BY_MACHINE = {
    "x86_64": {"clone": 56, "capset": 126, "pivot_root": 155},
    "aarch64": {"clone": 220, "capset": 91, "pivot_root": 41},
}
_NUMBERS = _ONE_BY_MACHINE.get(platform.machine(), {})

# PyDLL keeps the interpreter lock during a call: `clone` must return in the child holding it.
_libc = ctypes.PyDLL(None, use_errno=True) if sys.platform == "linux" else None
_CAPABILITY_VERSION_3 = 0x2008_0522


def _check(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def syscall(number: int, what: str, *arguments: object) -> int:
    """The raw system call; raises OSError naming `what`."""
    if _libc is None:
        raise OSError(38, f"{what}: not Linux")
    return _check(int(_libc.syscall(ctypes.c_long(number), *arguments)), what)


def _numbered(name: str, *arguments: object) -> int:
    if name not in _NUMBERS:
        raise OSError(38, f"{name}: unknown on {platform.machine()}")
    return syscall(_NUMBERS[name], name, *arguments)


def prctl(option: int, value: object = 0, what: str = "prctl") -> int:
    """`prctl(2)` with one argument; integers and ctypes pointers."""
    if _libc is None:
        raise OSError(38, "prctl: not Linux")
    argument = ctypes.c_ulong(value) if isinstance(value, int) else value
    zero = ctypes.c_ulong(0)
    return _check(int(_libc.prctl(ctypes.c_int(option), argument, zero, zero, zero)), what)


def seccomp_filter(program_address: int) -> None:
    """Installs the filter whose `struct sock_fprog` lies at `program_address`."""
    if _libc is None:
        raise OSError(38, "seccomp: not Linux")
    zero = ctypes.c_ulong(0)
    mode_filter = ctypes.c_ulong(2)
    address = ctypes.c_void_p(program_address)
    result = _libc.prctl(ctypes.c_int(PR_SET_SECCOMP), mode_filter, address, zero, zero)
    _check(int(result), "seccomp filter")


def fork_into(namespaces: int) -> tuple[int, int]:
    """`fork` into the given new namespaces: (id, pidfd) of the child here, (0, -1) in the child.

    `os.fork` takes no flags, and a pidfd opened afterwards could come too late.
    """
    api = ctypes.pythonapi
    handle = ctypes.c_int(-1)
    flags = ctypes.c_ulong(namespaces | CLONE_PIDFD | SIGCHLD)
    zero = ctypes.c_ulong(0)
    api.PyOS_BeforeFork()
    try:
        pid = _numbered("clone", flags, zero, ctypes.byref(handle), zero, zero)
    except OSError:
        api.PyOS_AfterFork_Parent()
        raise
    if pid == 0:
        api.PyOS_AfterFork_Child()
        return 0, -1
    api.PyOS_AfterFork_Parent()
    return pid, handle.value


def unshare(namespaces: int) -> None:
    """Moves this process into the given new namespaces."""
    if _libc is None:
        raise OSError(38, "unshare: not Linux")
    _check(int(_libc.unshare(ctypes.c_int(namespaces))), "unshare")


def mount(source: str | None, target: str, kind: str | None, flags: int, data: str = "") -> None:
    """`mount(2)`; raises OSError naming the target."""
    if _libc is None:
        raise OSError(38, "mount: not Linux")
    result = _libc.mount(
        None if source is None else os.fsencode(source),
        os.fsencode(target),
        None if kind is None else kind.encode(),
        ctypes.c_ulong(flags),
        data.encode() or None,
    )
    _check(int(result), f"mount {target}")


def pivot_root_here() -> None:
    """Makes the current folder (a mount point) the root and lets go of the old one."""
    _numbered("pivot_root", b".", b".")
    if _libc is None:
        raise OSError(38, "umount: not Linux")
    _check(int(_libc.umount2(b".", ctypes.c_int(MNT_DETACH))), "umount of the old root")
    os.chdir("/")


def drop_capabilities() -> None:
    """Empties the bounding, ambient, effective, permitted and inheritable sets."""
    for capability in range(64):
        try:
            prctl(PR_CAPBSET_DROP, capability)
        except OSError:
            break
    if _libc is not None:
        zero = ctypes.c_ulong(0)
        clear = ctypes.c_ulong(PR_CAP_AMBIENT_CLEAR_ALL)
        _libc.prctl(ctypes.c_int(PR_CAP_AMBIENT), clear, zero, zero, zero)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    data = (ctypes.c_uint32 * 6)(0, 0, 0, 0, 0, 0)
    _numbered("capset", ctypes.byref(header), ctypes.byref(data))
