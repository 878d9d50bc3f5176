"""Which barriers are found, what is refused without them, what still holds in a weak sandbox."""

import shutil
import subprocess
import sys
import textwrap
from dataclasses import replace

import pytest

from lamas.errors import ConfigurationError, SandboxError
from lamas.sandbox import ProcessSandbox
from lamas.sandbox.backends import Backend
from lamas.sandbox.barriers import missing, refuse_if_weak
from lamas.sandbox.inside import landlock, seccomp
from tests.patience import soon
from tests.sandbox.proving_ground import LIMITS, children_of

ALWAYS = {"process", "rlimits", "clean-environment"}
NAMESPACES = {
    "user-namespace",
    "pid-namespace",
    "mount-namespace",
    "net-namespace",
    "ipc-namespace",
    "scratch-memory",
}


@pytest.mark.parametrize(
    ("barriers", "lacking"),
    [
        ([], 4),
        (["process", "rlimits"], 2),
        (["process", "rlimits", "net-namespace", "mount-namespace"], 0),
        (["process", "rlimits", "seccomp", "landlock-7"], 0),
        (["process", "rlimits", "seccomp"], 1),
        (["process", "rlimits", "landlock-7"], 2),
        (["process", "rlimits", "net-namespace", "landlock-7"], 1),
        (["bubblewrap", "process", "rlimits"], 0),
        (["rlimits", "bubblewrap"], 1),
    ],
)
def test_what_is_missing(barriers: list[str], lacking: int) -> None:
    assert len(missing(barriers)) == lacking


def test_a_refusal_names_what_is_missing_and_a_remedy() -> None:
    with pytest.raises(SandboxError, match=r"no network \(allow user namespaces .*allow_weak"):
        refuse_if_weak(["process", "rlimits"], problems=["namespaces: no"], allow_weak=False)
    refuse_if_weak(["process"], problems=[], allow_weak=True)


async def test_what_is_active_is_what_this_machine_has() -> None:
    async with ProcessSandbox() as sandbox:
        active = set(sandbox.barriers)
        problems = sandbox.problems
    assert active >= ALWAYS
    assert missing(active) == ()
    if version := landlock.abi():
        assert f"landlock-{version}" in active
    if seccomp.supported():
        assert "seccomp" in active
    if "pid-namespace" in active:
        assert active >= NAMESPACES | {"unprivileged-user"}
        assert problems == ()
    else:
        # Fallback: the reason is told, and something else keeps the network and the files.
        assert problems[0].startswith("namespaces: ")


async def test_bubblewrap_when_installed_and_a_remedy_when_not() -> None:
    if shutil.which("bwrap") is None:
        with pytest.raises(SandboxError, match="bubblewrap is not installed"):
            async with ProcessSandbox(backend="bubblewrap"):
                pass
        return
    probe = """
import os, socket
for action in (lambda: open("/etc/shadow"), lambda: open("/planted", "w"), socket.socket):
    try:
        action()
        print("BREACH")
    except OSError:
        pass
open("f", "w").write("x")
print(os.listdir("."))
"""
    async with ProcessSandbox(backend="bubblewrap", limits=LIMITS) as sandbox:
        assert sandbox.barriers[0] == "bubblewrap"
        outcome = await sandbox.run(probe)
        assert outcome.stdout == "['f']\n", outcome.stderr
        endless = await sandbox.run("while True: pass", limits=replace(LIMITS, wall_seconds=0.5))
        assert endless.status == "limit"
        assert endless.wall_seconds < 1.5


async def test_it_refuses_without_the_required_barriers() -> None:
    with pytest.raises(SandboxError, match="missing no network"):
        async with ProcessSandbox(backend="landlock", disabled=("landlock", "seccomp")):
            pass
    with pytest.raises(SandboxError, match="scratch folder only"):
        async with ProcessSandbox(backend="landlock", disabled=("landlock",)):
            pass


async def test_who_insists_gets_a_weak_sandbox_that_still_ends_everything() -> None:
    daemon = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.setsid()
        time.sleep(60)
    os._exit(0)
{rest}
"""
    async with ProcessSandbox(
        backend="landlock", disabled=("landlock", "seccomp"), allow_weak=True, limits=LIMITS
    ) as sandbox:
        assert not {"landlock-7", "seccomp"} & set(sandbox.barriers)
        ended = await sandbox.run(daemon.format(rest="print('done')"))
        assert (ended.status, ended.stdout) == ("ok", "done\n")
        short = replace(LIMITS, wall_seconds=0.5)
        killed = await sandbox.run(daemon.format(rest="time.sleep(60)"), limits=short)
        assert killed.limits_hit == ("wall_seconds",)
        zygote = sandbox.zygote_pid
        assert zygote is not None
        # The fork server sweeps up what escaped just after the run has ended.
        await soon(lambda: not children_of(zygote))


async def test_elsewhere_than_on_linux_it_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(SandboxError, match="needs Linux, this is darwin"):
        async with ProcessSandbox():
            pass


async def test_an_unknown_backend_is_a_configuration_error() -> None:
    unknown: Backend = "docker"  # pyright: ignore[reportAssignmentType]
    with pytest.raises(ConfigurationError, match="'docker'"):
        async with ProcessSandbox(backend=unknown):
            pass


@pytest.mark.slow
def test_without_user_namespaces_it_falls_back() -> None:
    # In a child whose kernel refuses unshare, mount and new namespaces, as many containers do.
    code = """
        import asyncio, sys
        from lamas.sandbox import ProcessSandbox
        from lamas.sandbox.inside import kernel, seccomp
        refuse = lambda number: [(0x15, 0, 1, number), (0x06, 0, 0, 0x00050001)]
        kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
        seccomp.load([
            (0x20, 0, 0, 0), *refuse(272), *refuse(97), *refuse(165), *refuse(40),
            (0x15, 0, 1, 435), (0x06, 0, 0, 0x00050026),
            (0x15, 0, 3, 56), (0x20, 0, 0, 16), (0x45, 0, 1, 0x7E020000), (0x06, 0, 0, 0x00050001),
            (0x06, 0, 0, 0x7FFF0000),
        ])
        async def main():
            async with ProcessSandbox() as sandbox:
                print(" ".join(sandbox.barriers))
                print("|".join(sandbox.problems))
                print((await sandbox.run("print(6 * 7)")).stdout)
        asyncio.run(main())
    """
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True
    )
    if not (landlock.abi() and seccomp.supported()):
        assert "will not be run here" in ran.stderr
        return
    barriers, problems, result = ran.stdout.splitlines()[:3]
    assert "pid-namespace" not in barriers
    assert "landlock" in barriers
    assert problems.startswith("namespaces: ")
    assert "bubblewrap: " in problems
    assert result == "42"


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [["-m", "lamas.sandbox"]])
def test_the_command_prints_the_barriers(arguments: list[str]) -> None:
    ran = subprocess.run([sys.executable, *arguments], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert "rlimits\n" in ran.stdout
    assert "no network: yes\n" in ran.stdout
