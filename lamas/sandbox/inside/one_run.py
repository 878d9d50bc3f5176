"""One run from the inside: a supervisor puts up barriers, forks the program, reports its end."""

import contextlib
import fcntl
import os
import resource
import signal
from collections.abc import Sequence
from dataclasses import dataclass

from lamas.sandbox.inside import judging, kernel, landlock, program, root, seccomp
from lamas.sandbox.inside.job import Job, Report, Setup

NAMESPACES = (
    kernel.CLONE_NEWUSER | kernel.CLONE_NEWPID | kernel.CLONE_NEWNS | kernel.CLONE_NEWNET
    | kernel.CLONE_NEWIPC | kernel.CLONE_NEWUTS | kernel.CLONE_NEWCGROUP
)  # fmt: skip
_MAX_JOB_BYTES = 1 << 30
_FIRST_LIFTED = 256
_HEADROOM = 8
_FIRST_REAL_USER = 0x7000_0000


@dataclass(frozen=True, kw_only=True, slots=True)
class Surroundings:
    """What a run takes over from its zygote."""

    setup: Setup
    readable: root.Readable
    proc: int
    """The /proc of the zygote's start: the new root has none."""
    alive: int
    """A pipe that ends with the zygote."""
    landlock: int
    """Version, 0 for none."""
    seccomp: bool
    user: int
    group: int


def supervise(around: Surroundings, files: Sequence[int]) -> None:
    """Never returns. `files`: job, stdin, stdout, stderr, report, then the program's 3, 4, …"""
    report = files[4]
    try:
        outcome = _prepare_and_wait(around, files)
    except BaseException as error:
        outcome = Report(broken=f"{type(error).__name__}: {error}")
    try:
        os.write(report, outcome.dumps())
        if not around.setup.namespaces:
            _end_descendants()
    finally:
        os._exit(0)


def _prepare_and_wait(around: Surroundings, files: Sequence[int]) -> Report:
    for number in (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    os.setsid()
    namespaced = around.setup.namespaces
    if namespaced:
        _map_own_user(around)
    kernel.prctl(kernel.PR_SET_PDEATHSIG, int(signal.SIGKILL))
    if not namespaced:
        kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
    _stop_if_orphaned(around.alive)
    job = Job.loads(os.pread(files[0], _MAX_JOB_BYTES, 0))
    scratch = _make_scratch(job, namespaced=namespaced)
    if os.geteuid() == 0:
        _take_a_real_user_of_its_own()
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    kernel.drop_capabilities()
    # Same user as the program: without this it could write into the supervisor's memory.
    kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
    ready, announce = os.pipe()
    child = os.fork()
    if child == 0:
        _become_program(around, job, files, scratch, announce)
    for descriptor in (*files[1:4], *files[5:], announce):
        os.close(descriptor)
    problem = _read_all(ready)
    status, cpu = _wait_for(child)
    if problem:
        return Report(broken=problem)
    full = namespaced and _is_full(scratch)
    return Report(exit_code=status, cpu_seconds=cpu, scratch_full=full)


def _map_own_user(around: Surroundings) -> None:
    # A zygote that gave up root is not dumpable, which would hide its maps from itself.
    kernel.prctl(kernel.PR_SET_DUMPABLE, 1)
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{around.user} {around.user} 1"),
        ("gid_map", f"{around.group} {around.group} 1"),
    ):
        place = os.open(f"self/{name}", os.O_WRONLY | os.O_CLOEXEC, dir_fd=around.proc)
        try:
            os.write(place, text.encode())
        finally:
            os.close(place)


def _take_a_real_user_of_its_own() -> None:
    # RLIMIT_NPROC counts by real user and never binds root's. Effectively it stays root, because
    # nobody else may read this Python; the filter keeps it from changing back.
    with contextlib.suppress(OSError):
        os.setresuid(_FIRST_REAL_USER + os.getpid(), -1, -1)


def _stop_if_orphaned(alive: int) -> None:
    # The death signal only covers a zygote that dies from here on.
    os.set_blocking(alive, False)
    try:
        if os.read(alive, 1) == b"":
            os._exit(0)
    except BlockingIOError:
        pass


def _offer_to_the_out_of_memory_killer(proc: int) -> None:
    kernel.prctl(kernel.PR_SET_DUMPABLE, 1)
    try:
        place = os.open("self/oom_score_adj", os.O_WRONLY | os.O_CLOEXEC, dir_fd=proc)
    except OSError:
        return
    finally:
        kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
    with contextlib.suppress(OSError):
        os.write(place, b"1000")
    os.close(place)


def _make_scratch(job: Job, *, namespaced: bool) -> str:
    if namespaced:
        root.mount_scratch(int(job.limits["scratch_bytes"]))
        return root.SCRATCH
    os.mkdir(job.scratch, 0o700)
    return job.scratch


def _become_program(
    around: Surroundings, job: Job, files: Sequence[int], scratch: str, announce: int
) -> None:
    """In the forked child; never returns. Problems before the program starts go to `announce`."""
    code = 1
    try:
        announce = lift(announce)
        try:
            _arrange_files([*files[1:4], *files[5:]])
            _put_up_barriers(around, job, scratch)
        except BaseException as error:
            os.write(announce, f"{type(error).__name__}: {error}".encode())
            os._exit(1)
        last = judging.ANSWERS if len(files) > 5 else 2
        os.closerange(last + 1, 1 << 16)
        code = program.run(job)
    finally:
        program.finish(code)


def _put_up_barriers(around: Surroundings, job: Job, scratch: str) -> None:
    namespaced = around.setup.namespaces
    if not namespaced:
        kernel.prctl(kernel.PR_SET_PDEATHSIG, int(signal.SIGKILL))
    _offer_to_the_out_of_memory_killer(around.proc)
    os.chdir(scratch)
    packages = around.readable.packages
    os.environ.clear()
    os.environ.update(program.environment(scratch, packages))
    # For a user of the run's own the supervisor counts as one. Otherwise the kernel counts all the
    # user's tasks on the machine, those of runs still to come included; the parent looks closer.
    own_count = namespaced or os.getuid() != os.geteuid()
    processes = int(job.limits["processes"])
    if own_count:
        processes += 1
    else:
        processes = _tasks_of_user(around.proc, around.user) + _HEADROOM * processes
    if around.landlock:
        landlock.restrict(root.landlock_rules(around.readable, scratch), around.landlock)
    program.forget_the_zygote(packages)
    program.set_limits(job.limits, processes)
    if not namespaced:
        # For the parent, which counts the deleted files it holds; the filter keeps others from it.
        kernel.prctl(kernel.PR_SET_DUMPABLE, 1)
    if around.seccomp:
        seccomp.install(
            own_pid=None if namespaced else os.getpid(),
            confine_signals=not landlock.scopes_signals(around.landlock),
            confine_truncation=not landlock.guards_truncation(around.landlock),
        )


def lift(descriptor: int) -> int:
    """The same file under a number that no program's file will take."""
    lifted = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _FIRST_LIFTED)
    os.close(descriptor)
    return lifted


def _arrange_files(wanted: Sequence[int]) -> None:
    """Onto 0, 1, 2 and, for a judged program, 3 and 4."""
    lifted = [fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, _FIRST_LIFTED) for number in wanted]
    for target, descriptor in enumerate(lifted):
        os.dup2(descriptor, target, inheritable=target < 3)


def _tasks_of_user(proc: int, user: int) -> int:
    total = 0
    folder = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=proc)
    try:
        names = os.listdir(folder)
    finally:
        os.close(folder)
    for name in names:
        if name.isdigit():
            try:
                if os.stat(name, dir_fd=proc).st_uid == user:
                    total += os.stat(f"{name}/task", dir_fd=proc).st_nlink - 2
            except OSError:
                continue
    return total


def _wait_for(child: int) -> tuple[int, float]:
    """Reaps every orphan until the program ends: its exit code and CPU seconds."""
    while True:
        pid, status, _ = os.wait3(0)
        if pid == child:
            used = resource.getrusage(resource.RUSAGE_CHILDREN)
            return os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime


def _is_full(scratch: str) -> bool:
    try:
        space = os.statvfs(scratch)
    except OSError:
        return False
    return space.f_bfree == 0 or space.f_ffree == 0


def _end_descendants() -> None:
    """Without a process namespace: what left the group but not this subreaper, then the group."""
    for _ in range(50):
        try:
            with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as file:
                children = [int(pid) for pid in file.read().split()]
        except OSError:
            break
        if not children:
            break
        for pid in children:
            os.kill(pid, signal.SIGKILL)
        try:
            os.wait3(0)
        except ChildProcessError:
            break
    os.killpg(0, signal.SIGKILL)


def _read_all(pipe: int) -> str:
    parts: list[bytes] = []
    while part := os.read(pipe, 65_536):
        parts.append(part)
    os.close(pipe)
    return b"".join(parts).decode(errors="replace")
