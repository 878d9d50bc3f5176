"""Which system calls a sandboxed program is refused, as a hand-assembled BPF filter."""

import ctypes
import os
import platform
import struct
import sys
from collections.abc import Sequence

from lamas.sandbox.inside import kernel

# x86_64, aarch64; None where the architecture has no such call.
_DENIED: dict[str, tuple[int | None, int | None]] = {
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "kcmp": (312, 272), "pidfd_getfd": (438, 438), "process_madvise": (440, 440),
    "process_mrelease": (448, 448), "mount": (165, 40), "umount2": (166, 39),
    "pivot_root": (155, 41), "chroot": (161, 51), "open_tree": (428, 428),
    "move_mount": (429, 429), "fsopen": (430, 430), "fsconfig": (431, 431),
    "fsmount": (432, 432), "fspick": (433, 433), "mount_setattr": (442, 442),
    "statmount": (457, 457), "listmount": (458, 458), "open_tree_attr": (467, 467),
    "unshare": (272, 97), "setns": (308, 268), "kexec_load": (246, 104),
    "kexec_file_load": (320, 294), "init_module": (175, 105), "finit_module": (313, 273),
    "delete_module": (176, 106), "reboot": (169, 142), "swapon": (167, 224),
    "swapoff": (168, 225), "acct": (163, 89), "quotactl": (179, 60), "quotactl_fd": (443, 443),
    "syslog": (103, 116), "bpf": (321, 280), "perf_event_open": (298, 241),
    "userfaultfd": (323, 282), "add_key": (248, 217), "request_key": (249, 218),
    "keyctl": (250, 219), "io_uring_setup": (425, 425), "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427), "memfd_create": (319, 279), "memfd_secret": (447, 447),
    "shmget": (29, 194), "shmat": (30, 196), "shmctl": (31, 195), "shmdt": (67, 197),
    "semget": (64, 190), "semop": (65, 193), "semctl": (66, 191), "semtimedop": (220, 192),
    "msgget": (68, 186), "msgsnd": (69, 189), "msgrcv": (70, 188), "msgctl": (71, 187),
    "mq_open": (240, 180), "sethostname": (170, 161), "setdomainname": (171, 162),
    "settimeofday": (164, 170), "clock_settime": (227, 112), "adjtimex": (159, 171),
    "clock_adjtime": (305, 266), "personality": (135, 92), "iopl": (172, None),
    "ioperm": (173, None), "modify_ldt": (154, None), "uselib": (134, None),
    "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265),
    "fanotify_init": (300, 262), "fanotify_mark": (301, 263), "migrate_pages": (256, 238),
    "move_pages": (279, 239), "mbind": (237, 235), "set_mempolicy": (238, 237),
    "set_mempolicy_home_node": (450, 450), "vhangup": (153, 58), "nfsservctl": (180, 42),
    "lookup_dcookie": (212, 18), "socket": (41, 198), "connect": (42, 203), "bind": (49, 200),
    "listen": (50, 201), "accept": (43, 202), "accept4": (288, 242),
    "setsockopt": (54, 208),
}  # fmt: skip

# Without namespaces the program sees other processes of its user: it may not touch them, and it may
# not leave its process group, by which it is killed. Nor may it change modes, owners, times and
# attributes of its user's files: Landlock does not guard those. Nor send files: one that was
# deleted and is on its way belongs to nobody whose use of the disk could be counted.
_DENIED_WITHOUT_NAMESPACES: dict[str, tuple[int | None, int | None]] = {
    "setsid": (112, 157), "setpgid": (109, 154), "tkill": (200, 130),
    "rt_sigqueueinfo": (129, 138), "rt_tgsigqueueinfo": (297, 240),
    "pidfd_send_signal": (424, 424), "pidfd_open": (434, 434), "setpriority": (141, 140),
    "sched_setscheduler": (144, 119), "sched_setparam": (142, 118), "sched_setattr": (314, 274),
    "ioprio_set": (251, 30), "chmod": (90, None), "fchmod": (91, 52), "fchmodat": (268, 53),
    "fchmodat2": (452, 452), "chown": (92, None), "lchown": (94, None), "fchown": (93, 55),
    "fchownat": (260, 54), "setxattr": (188, 5), "lsetxattr": (189, 6), "fsetxattr": (190, 7),
    "removexattr": (197, 14), "lremovexattr": (198, 15), "fremovexattr": (199, 16),
    "setxattrat": (463, 463), "removexattrat": (466, 466), "file_setattr": (469, 469),
    "utime": (132, None), "utimes": (235, None), "futimesat": (261, None),
    "utimensat": (280, 88), "inotify_add_watch": (254, 27), "setuid": (105, 146),
    "setgid": (106, 144), "setreuid": (113, 145), "setregid": (114, 143), "setresuid": (117, 147),
    "setresgid": (119, 149), "setfsuid": (122, 151), "setfsgid": (123, 152),
    "setgroups": (116, 159), "sendmsg": (46, 211), "sendmmsg": (307, 269),
}  # fmt: skip

_ARCHITECTURES = {"x86_64": (0, 0xC000_003E), "aarch64": (1, 0xC000_00B7)}
_CLONE, _CLONE3, _IOCTL, _PRLIMIT64 = (56, 220), 435, (16, 29), (302, 261)
_KILL, _TGKILL = (62, 129), (234, 131)
_SCHED_SETAFFINITY = (203, 122)
_OPEN, _OPENAT, _OPENAT2, _TRUNCATE = (2, None), (257, 56), 437, (76, 45)
_MMAP, _SOCKETPAIR, _RT_SIGACTION = (9, 222), (53, 199), (13, 134)
_PRCTL, _FCNTL = (157, 167), (72, 25)
_NAMESPACE_FLAGS = (
    kernel.CLONE_NEWNS | kernel.CLONE_NEWCGROUP | kernel.CLONE_NEWUTS | kernel.CLONE_NEWIPC
    | kernel.CLONE_NEWUSER | kernel.CLONE_NEWPID | kernel.CLONE_NEWNET | 0x80
)  # fmt: skip
# F_SETOWN, F_SETSIG, F_SETOWN_EX send any signal to any process of the user; F_SETLEASE, F_NOTIFY
# make others wait for, or report on, the user's files.
_SIGNALS_OF_FILES = (8, 10, 15, 1024, 1026)
_OWNERS_OF_FILES = (0x8901, 0x8902)  # FIOSETOWN, SIOCSPGRP
_TERMINAL_INJECTION = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX
_FILE_ATTRIBUTES = (0x4008_6602, 0x401C_5820)  # FS_IOC_SETFLAGS, FS_IOC_FSSETXATTR
_O_TRUNC, _O_ACCMODE, _O_TMPFILE = 0o1000, 0o3, 0o20000000
_SHARED_ANONYMOUS = 0x21  # MAP_SHARED | MAP_ANONYMOUS
_AF_UNIX, _SOCKET_TYPE, _CONNECTED_TYPES = 1, 0xF, (1, 5)  # SOCK_STREAM, SOCK_SEQPACKET
_SIGCHLD, _ANY_POINTER = 17, 0xFFFF_FFFF
_LAST_KNOWN = 470
_X32 = 0x4000_0000

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN, _AND = 0x20, 0x15, 0x35, 0x45, 0x06, 0x54
_ALLOW, _KILL_PROCESS, _ERRNO = 0x7FFF_0000, 0x8000_0000, 0x0005_0000
_EPERM, _ENOMEM, _ENOSYS = _ERRNO | 1, _ERRNO | 12, _ERRNO | 38
_NUMBER, _ARCHITECTURE, _ARGUMENT = 0, 4, 16


def supported() -> bool:
    """Whether the filter knows this machine's system call numbers."""
    return sys.platform == "linux" and sys.byteorder == "little" and _machine() is not None


def _machine() -> tuple[int, int] | None:
    return _ARCHITECTURES.get(platform.machine())


class _Assembler:
    def __init__(self) -> None:
        self.code: list[tuple[int, int, int, int]] = []

    def load(self, offset: int) -> None:
        self.code.append((_LOAD, 0, 0, offset))

    def give(self, verdict: int) -> None:
        self.code.append((_RETURN, 0, 0, verdict))

    def give_if(self, test: int, value: int, verdict: int) -> None:
        self.code.append((test, 0, 1, value))
        self.give(verdict)

    def examine(self, number: int, argument: int, tests: list[tuple[int, int, int]]) -> None:
        """For system call `number`: the verdict of the first test true of its argument."""
        self.code.append((_EQUAL, 0, 2 + 2 * len(tests), number))
        self.load(_ARGUMENT + 8 * argument)
        for test, value, verdict in tests:
            self.give_if(test, value, verdict)
        self.give(_ALLOW)

    def refuse_masked(
        self, number: int, argument: int, mask: int, value: int, verdict: int = _EPERM
    ) -> None:
        """System call `number` not with an argument that is `value` under `mask`."""
        self.code.append((_EQUAL, 0, 5, number))
        self.load(_ARGUMENT + 8 * argument)
        self.code.append((_AND, 0, 0, mask))
        self.give_if(_EQUAL, value, verdict)
        self.give(_ALLOW)

    def only_connected_pairs(self, number: int) -> None:
        """Pairs of Unix sockets, but no datagram ones: those can send to any name."""
        self.code.append((_EQUAL, 0, 4 + 2 * len(_CONNECTED_TYPES) + 2, number))
        self.load(_ARGUMENT)
        self.code.append((_EQUAL, 1, 0, _AF_UNIX))
        self.give(_EPERM)
        self.load(_ARGUMENT + 8)
        self.code.append((_AND, 0, 0, _SOCKET_TYPE))
        for kind in _CONNECTED_TYPES:
            self.give_if(_EQUAL, kind, _ALLOW)
        self.give(_EPERM)

    def only_default_action(self, number: int, signal: int) -> None:
        """What is done on `signal` may be asked for, not changed."""
        self.code.append((_EQUAL, 0, 10, number))
        self.load(_ARGUMENT)
        self.code.append((_EQUAL, 1, 0, signal))
        self.give(_ALLOW)
        for half in (0, 4):
            self.load(_ARGUMENT + 8 + half)
            self.give_if(_ANY_BIT, _ANY_POINTER, _EPERM)
        self.give(_ALLOW)

    def only(self, number: int, argument: int, values: list[int]) -> None:
        """System call `number` only with one of `values` as its argument."""
        self.code.append((_EQUAL, 0, 2 + 2 * len(values), number))
        self.load(_ARGUMENT + 8 * argument)
        for value in values:
            self.give_if(_EQUAL, value, _ALLOW)
        self.give(_EPERM)


def assemble(
    *, own_pid: int | None, confine_signals: bool = False, confine_truncation: bool = False
) -> list[tuple[int, int, int, int]]:
    """The filter as (code, jump if true, jump if false, constant).

    `own_pid` is None inside namespaces. Otherwise calls that reach other processes or attributes of
    files are refused; with `confine_signals` signals to any but itself and its group, and with
    `confine_truncation` emptying files without writing them (both where Landlock is too old to).
    Raises OSError on an unknown architecture.
    """
    machine = _machine()
    if machine is None:
        raise OSError(38, f"no seccomp filter for {platform.machine()}")
    column, audit = machine
    out = _Assembler()
    out.load(_ARCHITECTURE)
    out.code.append((_EQUAL, 1, 0, audit))
    out.give(_KILL_PROCESS)
    out.load(_NUMBER)
    out.give_if(_AT_LEAST, _X32, _ENOSYS)
    out.give_if(_AT_LEAST, _LAST_KNOWN + 1, _ENOSYS)
    denied = _DENIED if own_pid is None else {**_DENIED, **_DENIED_WITHOUT_NAMESPACES}
    for numbers in denied.values():
        number = numbers[column]
        if number is not None:
            out.give_if(_EQUAL, number, _EPERM)
    # glibc falls back to clone, whose flags a filter can see.
    out.give_if(_EQUAL, _CLONE3, _ENOSYS)
    out.examine(_CLONE[column], 0, [(_ANY_BIT, _NAMESPACE_FLAGS, _EPERM)])
    # Pages of a shared mapping stay when all but one are unmapped: nobody could count them.
    out.refuse_masked(_MMAP[column], 3, _SHARED_ANONYMOUS, _SHARED_ANONYMOUS, _ENOMEM)
    out.only_connected_pairs(_SOCKETPAIR[column])
    # Whoever ignores it makes the kernel forget what its children used.
    out.only_default_action(_RT_SIGACTION[column], _SIGCHLD)
    requests = (*_TERMINAL_INJECTION, *_FILE_ATTRIBUTES, *_OWNERS_OF_FILES)
    out.examine(_IOCTL[column], 1, [(_EQUAL, request, _EPERM) for request in requests])
    if own_pid is not None:
        out.examine(_FCNTL[column], 1, [(_EQUAL, item, _EPERM) for item in _SIGNALS_OF_FILES])
        # The parent looks for deleted files in /proc, which shows those of dumpable processes only.
        out.examine(_PRCTL[column], 0, [(_EQUAL, kernel.PR_SET_DUMPABLE, _EPERM)])
        _confine_opening(out, column, truncation=confine_truncation)
        out.only(_PRLIMIT64[column], 0, [0, own_pid])
        out.only(_SCHED_SETAFFINITY[column], 0, [0, own_pid])
        if confine_signals:
            out.only(_KILL[column], 0, [0, own_pid])
            out.only(_TGKILL[column], 0, [own_pid])
    out.give(_ALLOW)
    return out.code


def _confine_opening(out: _Assembler, column: int, *, truncation: bool) -> None:
    """No files without a name, whose size nobody sees; with `truncation` no emptying by readers."""
    out.give_if(_EQUAL, _OPENAT2, _ENOSYS)
    if truncation:
        out.give_if(_EQUAL, _TRUNCATE[column], _EPERM)
    for numbers, argument in ((_OPEN, 1), (_OPENAT, 2)):
        number = numbers[column]
        if number is not None:
            out.code.append((_EQUAL, 0, 8 if truncation else 4, number))
            out.load(_ARGUMENT + 8 * argument)
            out.give_if(_ANY_BIT, _O_TMPFILE, _EPERM)
            if truncation:
                out.code.append((_AND, 0, 0, _O_TRUNC | _O_ACCMODE))
                out.give_if(_EQUAL, _O_TRUNC, _EPERM)
            out.give(_ALLOW)


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]


def install(
    *, own_pid: int | None, confine_signals: bool = False, confine_truncation: bool = False
) -> None:
    """Puts the filter on this process and all its descendants; needs no_new_privs."""
    load(
        assemble(
            own_pid=own_pid, confine_signals=confine_signals, confine_truncation=confine_truncation
        )
    )


def load(code: Sequence[tuple[int, int, int, int]]) -> None:
    """Hands a filter to the kernel for this process; raises OSError."""
    packed = b"".join(struct.pack("<HBBI", *line) for line in code)
    buffer = ctypes.create_string_buffer(packed, len(packed))
    program = _Program(len(code), ctypes.cast(buffer, ctypes.c_void_p).value)
    kernel.seccomp_filter(ctypes.addressof(program))


def available() -> bool:
    """Whether a filter can be installed here, tried in a child process."""
    if not supported():
        return False
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
            install(own_pid=None)
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
