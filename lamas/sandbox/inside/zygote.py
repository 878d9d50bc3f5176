"""The fork server: a small Python process with a clean environment that forks every run."""

import contextlib
import gc
import importlib
import json
import os
import resource
import signal
import socket
import sys
import time
from typing import cast

from lamas.sandbox.inside import kernel, landlock, one_run, root, seccomp
from lamas.sandbox.inside.job import Setup

_NOBODY = 65534
_MESSAGE_BYTES = 4096
_MAX_FILES = 16


def main() -> None:
    """Arguments: the setup and the number of an inherited socket. Says hello, then serves."""
    setup = Setup.loads(sys.argv[1])
    line = socket.socket(fileno=one_run.lift(int(sys.argv[2])))
    # Not the parent's: what is built here is read by the runs, which are another user's.
    os.umask(0o022)
    _fill_standard_files()
    try:
        around, barriers = _surround(setup)
    except OSError as error:
        line.send(json.dumps({"broken": str(error)}).encode())
        return
    sys.path.extend(around.readable.packages)
    for name in setup.preload:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    _allow_many_files()
    gc.collect()
    gc.freeze()
    line.send(json.dumps({"barriers": barriers}).encode())
    _serve(line, around)


def _fill_standard_files() -> None:
    null = os.open("/dev/null", os.O_RDWR)
    for target in (0, 1, 2):
        if target != null:
            os.dup2(null, target)


def _surround(setup: Setup) -> tuple[one_run.Surroundings, list[str]]:
    # Whatever the program leaves here is inherited by every run: as little as possible.
    barriers = ["process", "rlimits", "clean-environment"]
    proc = one_run.lift(os.open("/proc", os.O_RDONLY | os.O_DIRECTORY))
    alive, _keep_open = (one_run.lift(end) for end in os.pipe())
    readable = root.readable(setup.packages)
    version = 0 if "landlock" in setup.disabled else landlock.abi()
    filtered = "seccomp" not in setup.disabled and seccomp.available()
    if setup.namespaces:
        _enter_namespace_root(setup, readable)
        barriers += [
            "user-namespace",
            "pid-namespace",
            "mount-namespace",
            "net-namespace",
            "ipc-namespace",
            "scratch-memory",
        ]
    else:
        kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
        _give_up_root_if_python_stays_readable(readable)
    if os.geteuid() != 0:
        barriers.append("unprivileged-user")
    if version:
        barriers.append(f"landlock-{version}")
    if filtered:
        barriers.append("seccomp")
    around = one_run.Surroundings(
        setup=setup,
        readable=readable,
        proc=proc,
        alive=alive,
        landlock=version,
        seccomp=filtered,
        user=os.geteuid(),
        group=os.getegid(),
    )
    return around, barriers


def _enter_namespace_root(setup: Setup, readable: root.Readable) -> None:
    user, group = os.geteuid(), os.getegid()
    if user == 0:
        # The new root is built with root's own right to pass folders such as /root; the runs'
        # user namespaces then belong to nobody, so that file ownership and RLIMIT_NPROC bind.
        kernel.unshare(kernel.CLONE_NEWNS)
        root.enter_new_root(setup.base, readable, _NOBODY, _NOBODY)
        _become_nobody()
        return
    kernel.unshare(kernel.CLONE_NEWUSER | kernel.CLONE_NEWNS)
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{user} {user} 1"),
        ("gid_map", f"{group} {group} 1"),
    ):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(text)
    root.enter_new_root(setup.base, readable, user, group)
    kernel.drop_capabilities()


def _become_nobody() -> None:
    os.setgroups([])
    os.setresgid(_NOBODY, _NOBODY, _NOBODY)
    os.setresuid(_NOBODY, _NOBODY, _NOBODY)


def _give_up_root_if_python_stays_readable(readable: root.Readable) -> None:
    if os.geteuid() != 0:
        return
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            _become_nobody()
            paths = (*readable.trees, readable.packages[0] if readable.packages else "/")
            code = 0 if all(os.access(path, os.R_OK | os.X_OK) for path in paths) else 1
        finally:
            os._exit(code)
    if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0:
        _become_nobody()


def _allow_many_files() -> None:
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _serve(line: socket.socket, around: one_run.Surroundings) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # The kernel reaps: ends are watched by the parent through pidfds and told by the supervisors.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    runs: set[int] = set()
    while True:
        data, files, _flags, _address = socket.recv_fds(line, _MESSAGE_BYTES, _MAX_FILES)
        if not data:
            return
        request = cast("dict[str, int]", json.loads(data))
        if "kill" in request:
            _kill_group(request["kill"], runs)
            continue
        _start(line, around, request["start"], files, runs)
        for descriptor in files:
            os.close(descriptor)


def _start(
    line: socket.socket,
    around: one_run.Surroundings,
    number: int,
    files: list[int],
    runs: set[int],
) -> None:
    try:
        pid, handle = kernel.fork_into(one_run.NAMESPACES if around.setup.namespaces else 0)
    except OSError as error:
        line.send(json.dumps({"number": number, "broken": str(error)}).encode())
        return
    if pid == 0:
        line.close()
        one_run.supervise(around, files)
    if not around.setup.namespaces:
        runs.add(pid)
    socket.send_fds(line, [json.dumps({"number": number, "pid": pid}).encode()], [handle])
    os.close(handle)


def _kill_group(pid: int, runs: set[int]) -> None:
    """Without a process namespace: the run's process group, then whatever had left it."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    for _ in range(100):
        children = _children()
        if pid not in children:
            break
        time.sleep(0.002)
    for _ in range(20):
        strays = _children() - runs
        if not strays:
            break
        for stray in strays:
            with contextlib.suppress(ProcessLookupError):
                os.kill(stray, signal.SIGKILL)
        time.sleep(0.002)
    runs &= _children()


def _children() -> set[int]:
    try:
        with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as file:
            return {int(pid) for pid in file.read().split()}
    except OSError:
        return set()
