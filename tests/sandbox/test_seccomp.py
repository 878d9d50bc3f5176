"""The filter, run by a naive interpreter of BPF."""

import errno

import pytest

from lamas.sandbox.inside import kernel, seccomp

ALLOW = 0x7FFF_0000
AUDIT_X86_64 = 0xC000_003E
PID = 4242
NUMBERS = {
    "read": 0, "open": 2, "mmap": 9, "ioctl": 16, "clone": 56, "fork": 57, "execve": 59,
    "kill": 62, "truncate": 76, "chmod": 90, "ptrace": 101, "setuid": 105, "setsid": 112,
    "mount": 165, "socket": 41, "socketpair": 53, "tgkill": 234, "openat": 257, "unshare": 272,
    "prlimit64": 302, "memfd_create": 319, "bpf": 321, "clone3": 435, "openat2": 437,
    "rt_sigaction": 13, "fcntl": 72, "prctl": 157, "sendmsg": 46, "setsockopt": 54,
}  # fmt: skip


def naive(
    code: list[tuple[int, int, int, int]],
    name: str | int,
    *arguments: int,
    audit: int = AUDIT_X86_64,
) -> int:
    """The verdict: 0 for allowed, minus the error number, or -9 for kill."""
    number = NUMBERS[name] if isinstance(name, str) else name
    words = [number, audit, 0, 0]
    for argument in (*arguments, 0, 0, 0, 0, 0, 0)[:6]:
        words += [argument & 0xFFFF_FFFF, argument >> 32 & 0xFFFF_FFFF]
    accumulator, at = 0, 0
    while True:
        operation, if_true, if_false, constant = code[at]
        at += 1
        match operation:
            case 0x20:
                accumulator = words[constant // 4]
            case 0x54:
                accumulator &= constant
            case 0x15:
                at += if_true if accumulator == constant else if_false
            case 0x35:
                at += if_true if accumulator >= constant else if_false
            case 0x45:
                at += if_true if accumulator & constant else if_false
            case _:
                assert operation == 0x06
                if constant == ALLOW:
                    return 0
                return -9 if constant == 0x8000_0000 else -(constant & 0xFFFF)


@pytest.fixture(autouse=True)
def as_x86_64(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")


@pytest.mark.parametrize("name", ["read", "mmap", "fork", "execve", "fcntl", "chmod", "kill"])
def test_what_programs_need_is_allowed_in_namespaces(name: str) -> None:
    assert naive(seccomp.assemble(own_pid=None), name, 0, 0, 0) == 0


@pytest.mark.parametrize("name", ["ptrace", "mount", "unshare", "socket", "bpf", "memfd_create"])
def test_what_nobody_needs_is_refused(name: str) -> None:
    for own_pid in (None, PID):
        assert naive(seccomp.assemble(own_pid=own_pid), name) == -errno.EPERM


@pytest.mark.parametrize("name", ["setsid", "chmod", "setuid", "sendmsg"])
def test_more_is_refused_outside_namespaces(name: str) -> None:
    assert naive(seccomp.assemble(own_pid=None), name) == 0
    assert naive(seccomp.assemble(own_pid=PID), name) == -errno.EPERM


def test_clone_makes_threads_but_no_namespaces() -> None:
    code = seccomp.assemble(own_pid=None)
    assert naive(code, "clone", 0x003D_0F00) == 0
    assert naive(code, "clone", 17) == 0
    for flag in (kernel.CLONE_NEWUSER, kernel.CLONE_NEWNS, kernel.CLONE_NEWPID):
        assert naive(code, "clone", flag | 17) == -errno.EPERM
    assert naive(code, "clone3") == -errno.ENOSYS


def test_terminals_and_file_attributes_are_guarded() -> None:
    code = seccomp.assemble(own_pid=None)
    assert naive(code, "ioctl", 0, 0x5401) == 0
    for request in (0x5412, 0x541C, 0x4008_6602):
        assert naive(code, "ioctl", 0, request) == -errno.EPERM


def test_limits_and_signals_of_others_are_guarded_outside_namespaces() -> None:
    code = seccomp.assemble(own_pid=PID, confine_signals=True)
    for pid, verdict in ((0, 0), (PID, 0), (1, -1), (2**32 - 1, -1), (PID + 1, -1)):
        assert naive(code, "prlimit64", pid) == verdict
        assert naive(code, "kill", pid, 9) == verdict
    assert naive(code, "tgkill", PID, PID, 6) == 0
    assert naive(code, "tgkill", 1, 1, 6) == -errno.EPERM
    relaxed = seccomp.assemble(own_pid=PID)
    assert naive(relaxed, "kill", 1, 9) == 0


@pytest.mark.parametrize("own_pid", [None, PID])
def test_memory_that_belongs_to_nobody_is_refused(own_pid: int | None) -> None:
    code = seccomp.assemble(own_pid=own_pid)
    for flags, verdict in ((0x22, 0), (0x1, 0), (0x2, 0), (0x20022, 0), (0x21, -errno.ENOMEM)):
        assert naive(code, "mmap", 0, 4096, 3, flags, 2**64 - 1) == verdict
    assert naive(code, "mmap", 0, 4096, 3, 0x4021, 2**64 - 1) == -errno.ENOMEM


@pytest.mark.parametrize("own_pid", [None, PID])
def test_pairs_of_sockets_are_connected_ones(own_pid: int | None) -> None:
    code = seccomp.assemble(own_pid=own_pid)
    for domain, kind, verdict in (
        (1, 1, 0), (1, 5, 0), (1, 1 | 0x80800, 0), (1, 2, -1), (1, 2 | 0x800, -1), (1, 3, -1),
        (30, 1, -1), (16, 5, -1),
    ):  # fmt: skip
        assert naive(code, "socketpair", domain, kind) == verdict, (domain, kind)


@pytest.mark.parametrize("own_pid", [None, PID])
def test_ends_of_children_are_not_ignored(own_pid: int | None) -> None:
    code = seccomp.assemble(own_pid=own_pid)
    assert naive(code, "rt_sigaction", 17, 0) == 0
    assert naive(code, "rt_sigaction", 15, 0x7FFF_1234_5678) == 0
    for pointer in (0x10, 0x7FFF_0000_0000, 0x7FFF_1234_5678):
        assert naive(code, "rt_sigaction", 17, pointer) == -errno.EPERM
    assert naive(code, "openat", 0, 0, 0) == 0


def test_files_send_no_signals_and_have_names_outside_namespaces() -> None:
    code = seccomp.assemble(own_pid=PID)
    for command, verdict in ((0, 0), (1030, 0), (4, 0), (8, -1), (10, -1), (15, -1), (1024, -1)):
        assert naive(code, "fcntl", 3, command) == verdict
    assert naive(code, "ioctl", 3, 0x8901) == -errno.EPERM
    assert naive(code, "prctl", 4, 0) == -errno.EPERM
    assert naive(code, "prctl", 15, 0) == 0
    assert naive(code, "openat", 3, 0, 0o20200002) == -errno.EPERM
    assert naive(code, "open", 0, 0o20200002) == -errno.EPERM
    assert naive(code, "openat", 3, 0, 0o102) == 0


@pytest.mark.parametrize(("name", "before"), [("open", 1), ("openat", 2)])
def test_files_are_emptied_only_by_those_who_may_write(name: str, before: int) -> None:
    code = seccomp.assemble(own_pid=PID, confine_truncation=True)
    for flags, verdict in ((0, 0), (0o1, 0), (0o1001, 0), (0o1002, 0), (0o1000, -1), (0o1100, -1)):
        assert naive(code, name, *([0] * before), flags) == verdict
    assert naive(code, "truncate") == -errno.EPERM
    assert naive(code, "openat2") == -errno.ENOSYS
    assert naive(code, name, *([0] * before), 0o20200002) == -errno.EPERM
    assert naive(seccomp.assemble(own_pid=PID), name, *([0] * before), 0o1000) == 0


def test_other_architectures_and_calls_of_tomorrow() -> None:
    code = seccomp.assemble(own_pid=None)
    assert naive(code, "read", audit=0x4000_0003) == -9
    assert naive(code, 0x4000_0000 + 39) == -errno.ENOSYS
    assert naive(code, 500) == -errno.ENOSYS


def test_every_jump_of_the_filter_stays_inside() -> None:
    for machine in ("x86_64", "aarch64"):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("platform.machine", lambda machine=machine: machine)
            code = seccomp.assemble(own_pid=PID, confine_signals=True, confine_truncation=True)
        assert len(code) < 4096
        for at, (operation, if_true, if_false, _) in enumerate(code):
            if operation in (0x15, 0x35, 0x45):
                assert at + 1 + max(if_true, if_false) < len(code)
        assert code[-1] == (0x06, 0, 0, ALLOW)


@pytest.mark.slow
def test_an_unknown_architecture_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    assert not seccomp.supported()
    with pytest.raises(OSError, match="riscv64"):
        seccomp.assemble(own_pid=None)
