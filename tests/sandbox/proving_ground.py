"""A sandbox among things worth attacking: open files, listeners, a parent with a key."""

import asyncio
import contextlib
import os
import pathlib
import shutil
import socket
import tempfile
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field

from lamas.domain import ToolExecution
from lamas.sandbox import ProcessSandbox, SandboxLimits
from lamas.sandbox.backends import Backend
from lamas.sandbox.watching import usage
from tests.patience import soon

MIB = 1024 * 1024
LIMITS = SandboxLimits(
    cpu_seconds=1.0,
    wall_seconds=2.0,
    memory_bytes=256 * MIB,
    processes=8,
    open_files=32,
    output_bytes=20_000,
    scratch_bytes=4 * MIB,
)
KEY = "sk-proving-ground-0123456789"
PRECIOUS = "precious\n"
# `attempt` tells an attack that was refused from one that never took place.
_PRELUDE = """
import os, sys, ctypes, time, signal, subprocess
VICTIM, SECRET, GROUND = {victim!r}, {secret!r}, {ground!r}
PARENT, ZYGOTE, PORT, KEY = {parent}, {zygote}, {port}, {key!r}
libc = ctypes.CDLL(None, use_errno=True)
def breach(what):
    print("BREACH", what, flush=True)
def attempt(action, *arguments, **keywords):
    print("attempted", flush=True)
    try:
        return action(*arguments, **keywords)
    except BaseException as error:
        print("refused:", type(error).__name__, flush=True)
def syscall(number, *arguments):
    return libc.syscall(ctypes.c_long(number), *map(ctypes.c_long, arguments))
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Attack:
    """A program that prints BREACH when it gets what it wants."""

    program: str
    hits: frozenset[str] = frozenset()
    """Not empty: it must run into one of these limits."""
    limits: SandboxLimits = LIMITS


@dataclass(kw_only=True)
class Ground:
    """One backend's sandbox and everything around it."""

    sandbox: ProcessSandbox
    folder: pathlib.Path
    server: socket.socket
    abstract: socket.socket
    datagrams: tuple[socket.socket, ...]
    """One with a name in the folder, one with an abstract name."""
    outcomes: dict[str, ToolExecution] = field(default_factory=dict[str, ToolExecution])

    @property
    def victim(self) -> pathlib.Path:
        return self.folder / "victim.txt"

    def program(self, text: str) -> str:
        """`text` with the names of its targets."""
        prelude = _PRELUDE.format(
            victim=str(self.victim),
            secret=str(self.folder / "secret.txt"),
            ground=str(self.folder),
            parent=os.getpid(),
            zygote=self.sandbox.zygote_pid,
            port=self.server.getsockname()[1],
            key=KEY[::-1],
        )
        return prelude + text

    async def suffer(self, attacks: Mapping[str, Attack]) -> Mapping[str, ToolExecution]:
        """Every attack at once, each only the first time it is asked for."""
        new = {name: attack for name, attack in attacks.items() if name not in self.outcomes}
        found = await asyncio.gather(
            *(
                self.sandbox.run(self.program(attack.program), limits=attack.limits)
                for attack in new.values()
            )
        )
        self.outcomes.update(zip(new, found, strict=True))
        return self.outcomes

    async def survivors(self) -> int:
        """Processes still alive beneath the fork server, after a moment to be reaped."""
        zygote = self.sandbox.zygote_pid
        assert zygote is not None
        # Inside bubblewrap its own supervisor and the fork server stand above the runs.
        idle = 2 if "bubblewrap" in self.sandbox.barriers else 0
        with contextlib.suppress(AssertionError):
            await soon(lambda: usage(zygote, 0).tasks <= idle, seconds=2.0)
        return max(0, usage(zygote, 0).tasks - idle)

    def connections(self) -> int:
        """Peers and messages that reached one of the sockets."""
        count = 0
        for listener in (self.server, self.abstract):
            with contextlib.suppress(BlockingIOError):
                listener.accept()
                count += 1
        for receiver in self.datagrams:
            with contextlib.suppress(BlockingIOError):
                receiver.recv(100)
                count += 1
        return count


def _open_folder() -> pathlib.Path:
    # Not under tmp_path: only its owner may enter, which would do the sandbox's work.
    folder = pathlib.Path(tempfile.mkdtemp(prefix="proving-ground-", dir="/var/tmp"))
    folder.chmod(0o777)
    for name, text, mode in (("victim.txt", PRECIOUS, 0o666), ("secret.txt", KEY, 0o644)):
        (folder / name).write_text(text)
        (folder / name).chmod(mode)
    return folder


@contextlib.asynccontextmanager
async def proving_ground(backend: Backend) -> AsyncGenerator[Ground, None]:
    """Opens a ground; its folder is one that plain permissions would not protect."""
    folder = _open_folder()
    os.environ["PROVING_GROUND_API_KEY"] = KEY
    server = socket.create_server(("127.0.0.1", 0))
    abstract = socket.socket(socket.AF_UNIX)
    abstract.bind(f"\0proving-ground-{os.getpid()}-{backend}")
    abstract.listen()
    datagrams = tuple(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) for _ in range(2))
    datagrams[0].bind(str(folder / "log.sock"))
    (folder / "log.sock").chmod(0o777)
    datagrams[1].bind(f"\0proving-ground-log-{os.getpid()}-{backend}")
    for listener in (server, abstract, *datagrams):
        listener.setblocking(False)
    try:
        async with ProcessSandbox(backend=backend, limits=LIMITS, concurrency=6) as sandbox:
            yield Ground(
                sandbox=sandbox,
                folder=folder,
                server=server,
                abstract=abstract,
                datagrams=datagrams,
            )
    finally:
        del os.environ["PROVING_GROUND_API_KEY"]
        for opened in (server, abstract, *datagrams):
            opened.close()
        shutil.rmtree(folder)


def children_of(pid: int) -> list[int]:
    """Living children of its first thread."""
    text = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in text.split() if runs(int(child))]


def runs(pid: int) -> bool:
    """Whether the process exists and is no zombie."""
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def assert_repelled(attack: Attack, outcome: ToolExecution) -> None:
    """It did not succeed, was recorded, and did not outlive its limit by more than a second."""
    assert [line for line in outcome.stdout.splitlines() if "BREACH" in line] == []
    assert outcome.wall_seconds <= attack.limits.wall_seconds + 1.0
    assert outcome.ended_at - outcome.started_at == outcome.wall_seconds
    assert len(outcome.stdout.encode()) <= 3 * attack.limits.output_bytes
    if attack.hits:
        assert outcome.status == "limit", (outcome.exit_code, outcome.stderr[-500:])
        assert attack.hits.intersection(outcome.limits_hit), outcome.limits_hit
    else:
        assert "attempted" in outcome.stdout, outcome.stderr[-500:]
