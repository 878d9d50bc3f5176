"""The ways to build a sandbox on this machine, strongest first, each tried before it is trusted."""

import os
import pathlib
import shutil
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from lamas.errors import ConfigurationError, SandboxError
from lamas.sandbox.barriers import missing
from lamas.sandbox.inside import root
from lamas.sandbox.inside.job import Setup
from lamas.sandbox.zygote_client import ZygoteClient

Backend = Literal["auto", "namespaces", "bubblewrap", "landlock"]
BACKENDS: tuple[Backend, ...] = ("namespaces", "bubblewrap", "landlock")


class SetupFactory(Protocol):
    """Makes the setup of a zygote."""

    def __call__(self, *, namespaces: bool) -> Setup: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """The first backend that gives all that is required, or the best of the weak ones."""

    zygote: ZygoteClient | None
    start: Callable[[], Awaitable[ZygoteClient]] | None
    problems: tuple[str, ...]


async def strongest(
    wanted: Backend,
    setup: SetupFactory,
    trial: Callable[[ZygoteClient], Awaitable[None]],
) -> Found:
    """Starts and tries the backends in order. Raises ConfigurationError for an unknown name."""
    if wanted != "auto" and wanted not in BACKENDS:
        raise ConfigurationError(
            f"Sandbox backend is {wanted!r}; it must be auto or one of {', '.join(BACKENDS)}."
        )
    problems: list[str] = []
    weak = Found(zygote=None, start=None, problems=())
    for name in BACKENDS if wanted == "auto" else (wanted,):
        start = _starter(name, setup)
        try:
            zygote = await start()
        except SandboxError as error:
            problems.append(f"{name}: {str(error).removesuffix('.')}")
            continue
        try:
            await trial(zygote)
        except BaseException as error:
            zygote.close()
            if not isinstance(error, SandboxError):
                raise
            problems.append(f"{name}: {str(error).removesuffix('.')}")
            continue
        if not missing(zygote.barriers):
            if weak.zygote is not None:
                weak.zygote.close()
            return Found(zygote=zygote, start=start, problems=tuple(problems))
        if weak.zygote is None:
            weak = Found(zygote=zygote, start=start, problems=())
        else:
            zygote.close()
    return Found(zygote=weak.zygote, start=weak.start, problems=tuple(problems))


def _starter(name: Backend, setup: SetupFactory) -> Callable[[], Awaitable[ZygoteClient]]:
    async def start() -> ZygoteClient:
        made = setup(namespaces=name == "namespaces")
        prefix = _bubblewrap(made) if name == "bubblewrap" else ()
        # Folders of the run are made by its user, who is nobody when this process is root.
        os.chmod(made.base, 0o711 if name == "namespaces" else 0o1733)
        client = ZygoteClient(made, prefix)
        await client.start()
        if prefix:
            client.barriers = ("bubblewrap", *client.barriers)
        return client

    return start


def _bubblewrap(setup: Setup) -> tuple[str, ...]:
    """The command that gives the zygote its own namespaces and a root with libraries only.

    For machines that grant user namespaces to the installed bwrap alone.
    """
    program = shutil.which("bwrap")
    if program is None:
        raise SandboxError("bubblewrap is not installed.")
    what = root.readable(setup.packages)
    own_code = str(pathlib.Path(__file__).resolve().parent / "inside")
    arguments = [program, "--unshare-user", "--unshare-pid", "--unshare-net", "--unshare-ipc"]
    arguments += ["--unshare-uts", "--die-with-parent", "--proc", "/proc", "--dev", "/dev"]
    for path in (*what.trees, *what.files, own_code):
        arguments += ["--ro-bind", path, path]
    for path, target in what.links:
        arguments += ["--symlink", target, path]
    arguments += ["--bind", setup.base, setup.base, "--chdir", "/"]
    python = os.path.realpath(sys.executable)
    if not any(python.startswith(f"{tree}/") for tree in what.trees):
        arguments += ["--ro-bind", python, python]
    return (*arguments, "--")
