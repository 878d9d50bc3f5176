"""What a program finds in the sandbox, and what the parent gets back."""

import asyncio
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import textwrap
from dataclasses import replace

import pytest

from lamas.errors import ConfigurationError, SandboxError
from lamas.sandbox import ModelledToolTime, ProcessSandbox, SandboxLimits
from lamas.sandbox.watching import usage
from tests.patience import patience, soon
from tests.sandbox.proving_ground import LIMITS, children_of, runs

ROOMY = replace(LIMITS, wall_seconds=20.0, cpu_seconds=10.0, memory_bytes=1 << 30)


@pytest.mark.parametrize(
    ("program", "stdout", "exit_code"),
    [
        ("print(6 * 7)", "42\n", 0),
        ("", "", 0),
        ("import sys\nsys.exit(3)", "", 3),
        ("raise SystemExit", "", 0),
        ("raise SystemExit('why')", "", 1),
        ("import os\nos._exit(7)", "", 7),
        ("1 / 0", "", 1),
        ("print('é 漢 🙂')", "é 漢 🙂\n", 0),
        ("if __name__ == '__main__': print(__file__)", "program.py\n", 0),
        ("import sys\nprint(sys.argv)", "['program.py']\n", 0),
        ("import atexit\natexit.register(print, 'bye')\nprint('hi')", "hi\nbye\n", 0),
        ("import threading\nthreading.Thread(target=print, args=('t',)).start()", "t\n", 0),
        ("import asyncio\nasyncio.run(asyncio.sleep(0))\nprint('slept')", "slept\n", 0),
        ("open('f', 'w').write('x')\nprint(open('f').read())", "x\n", 0),
        ("import tempfile\ntempfile.TemporaryFile().close()\nprint('made')", "made\n", 0),
        ("import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'print(1)'])", "1\n", 0),
        ("import lamas", "", 1),
        ("def f(): return f()\nf()", "", 1),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGTERM)", "", -15),
    ],
)
async def test_runs_like_a_script(
    sandbox: ProcessSandbox, program: str, stdout: str, exit_code: int
) -> None:
    outcome = await sandbox.run(program, limits=ROOMY)
    assert (outcome.stdout, outcome.exit_code) == (stdout, exit_code), outcome.stderr
    assert outcome.status == ("ok" if exit_code == 0 else "error")
    assert outcome.program == program
    assert outcome.charged_seconds == outcome.wall_seconds > 0


async def test_a_traceback_shows_the_program_only(sandbox: ProcessSandbox) -> None:
    outcome = await sandbox.run("def f():\n    return missing\nf()\n")
    expected = """
        Traceback (most recent call last):
          File "program.py", line 3, in <module>
            f()
          File "program.py", line 2, in f
            return missing
                   ^^^^^^^
        NameError: name 'missing' is not defined
    """
    assert outcome.stderr.strip() == textwrap.dedent(expected).strip()


async def test_a_syntax_error_is_the_programs(sandbox: ProcessSandbox) -> None:
    outcome = await sandbox.run("print(")
    assert outcome.status == "error"
    assert outcome.stderr.endswith("SyntaxError: '(' was never closed\n")


async def test_stdin_is_given_and_ends(sandbox: ProcessSandbox) -> None:
    text = "3\nzwölf\n" + "x" * 200_000
    outcome = await sandbox.run("import sys\nprint(len(sys.stdin.read()))", stdin=text)
    assert outcome.stdout == f"{len(text)}\n"
    outcome = await sandbox.run("print(int(input()) * 2)\ninput()", stdin="21\n")
    assert (outcome.stdout, outcome.status) == ("42\n", "error")


async def test_text_that_is_no_unicode_does_not_break_a_run(sandbox: ProcessSandbox) -> None:
    outcome = await sandbox.run("print('\ud800')", stdin="\udfff")
    assert outcome.stdout == "?\n"


async def test_packages_of_the_environment_can_be_imported(sandbox: ProcessSandbox) -> None:
    outcome = await sandbox.run("import numpy\nprint(numpy.arange(3).sum())", limits=ROOMY)
    assert outcome.stdout == "3\n", outcome.stderr


async def test_runs_share_nothing_but_the_hash_seed(sandbox: ProcessSandbox) -> None:
    program = "import os, random\nprint(random.random(), os.getpid())\nprint(hash('a'))"
    first, second = await asyncio.gather(sandbox.run(program), sandbox.run(program))
    assert first.tool_execution_id != second.tool_execution_id
    random_first, hash_first = first.stdout.splitlines()
    random_second, hash_second = second.stdout.splitlines()
    assert random_first.split()[0] != random_second.split()[0]
    assert hash_first == hash_second


async def test_what_came_before_a_cap_is_kept(sandbox: ProcessSandbox) -> None:
    limits = replace(LIMITS, output_bytes=10)
    outcome = await sandbox.run("print('0123456789ABC')", limits=limits)
    assert outcome.stdout == "0123456789"
    assert outcome.limits_hit == ("output_bytes",)
    assert outcome.exit_code is None
    exact = await sandbox.run("print('012345678')", limits=limits)
    assert (exact.stdout, exact.status) == ("012345678\n", "ok")


async def test_what_came_before_the_end_of_time_is_kept(sandbox: ProcessSandbox) -> None:
    limits = replace(LIMITS, wall_seconds=patience(0.3))
    outcome = await sandbox.run(
        "import time\nprint('begun', flush=True)\ntime.sleep(60)", limits=limits
    )
    assert outcome.stdout == "begun\n"
    assert (outcome.status, outcome.limits_hit) == ("limit", ("wall_seconds",))
    assert outcome.wall_seconds >= limits.wall_seconds


async def test_no_more_than_the_given_number_run_at_once() -> None:
    async with ProcessSandbox(concurrency=2) as sandbox:
        outcomes = await asyncio.gather(
            *(sandbox.run("import time\ntime.sleep(0.3)") for _ in range(6))
        )
    at_once = [
        sum(other.started_at <= one.started_at < other.ended_at for other in outcomes)
        for one in outcomes
    ]
    assert max(at_once) == 2


async def test_the_charged_time_may_be_a_modelled_one() -> None:
    modelled = ModelledToolTime(seed=1, median_seconds=2.0, sigma=0.5)
    async with ProcessSandbox(tool_time=modelled) as sandbox:
        outcome = await sandbox.run("pass")
    assert outcome.charged_seconds == modelled.charge("pass", 0.0)
    assert outcome.wall_seconds != outcome.charged_seconds


@pytest.mark.slow
async def test_a_dead_fork_server_is_replaced_and_the_run_continues() -> None:
    async with ProcessSandbox() as sandbox:
        first = sandbox.zygote_pid
        assert first is not None
        running = asyncio.create_task(sandbox.run("import time\ntime.sleep(0.5)\nprint('done')"))
        await asyncio.sleep(0.2)
        os.kill(first, signal.SIGKILL)
        outcome = await running
        assert (outcome.status, outcome.stdout) == ("ok", "done\n")
        assert sandbox.zygote_pid != first
        second = sandbox.zygote_pid
        assert second is not None
        os.kill(second, signal.SIGKILL)
        outcomes = await asyncio.gather(*(sandbox.run(f"print({n})") for n in range(8)))
        assert [outcome.stdout for outcome in outcomes] == [f"{n}\n" for n in range(8)]


async def test_a_cancelled_run_is_ended() -> None:
    async with ProcessSandbox() as sandbox:
        running = asyncio.create_task(sandbox.run("import time\ntime.sleep(60)"))
        zygote = sandbox.zygote_pid
        assert zygote is not None
        await soon(lambda: usage(zygote, 0).tasks == 2)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        await soon(lambda: usage(zygote, 0).tasks == 0)
        assert (await sandbox.run("print(1)")).stdout == "1\n"


async def test_closing_leaves_no_process_folder_or_descriptor(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    async with ProcessSandbox() as warm:
        await warm.run("pass")
    before = len(os.listdir("/proc/self/fd"))
    async with ProcessSandbox() as sandbox:
        await asyncio.gather(*(sandbox.run("open('f', 'w').write('x')") for _ in range(4)))
        pid = sandbox.zygote_pid
        assert pid is not None
        assert runs(pid)
        assert len(os.listdir(tmp_path)) == 1
    assert len(os.listdir("/proc/self/fd")) == before
    assert os.listdir(tmp_path) == []
    assert not runs(pid)


async def test_nothing_survives_a_parent_that_is_killed(tmp_path: pathlib.Path) -> None:
    parent_code = """
        import asyncio
        from lamas.sandbox import ProcessSandbox
        async def main():
            async with ProcessSandbox() as sandbox:
                running = asyncio.create_task(sandbox.run("import time\\ntime.sleep(60)"))
                await asyncio.sleep(0.5)
                print(sandbox.zygote_pid, flush=True)
                await running
        asyncio.run(main())
    """
    with subprocess.Popen(  # noqa: ASYNC220
        [sys.executable, "-c", textwrap.dedent(parent_code)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    ) as parent:
        assert parent.stdout is not None
        zygote = int(await asyncio.to_thread(parent.stdout.readline))
        inside = children_of(zygote)
        assert len(inside) == 1
        parent.kill()
    for pid in (zygote, inside[0]):
        await soon(lambda pid=pid: not runs(pid))


async def test_outside_its_context_it_says_so() -> None:
    sandbox = ProcessSandbox()
    assert sandbox.barriers == ()
    with pytest.raises(SandboxError, match="async with"):
        await sandbox.run("pass")


@pytest.mark.slow
@pytest.mark.parametrize(
    "limits",
    [
        {"cpu_seconds": 0.0},
        {"wall_seconds": -1.0},
        {"memory_bytes": 1024},
        {"open_files": 3},
        {"processes": 0},
        {"wall_seconds": float("nan")},
    ],
)
def test_impossible_limits_are_refused(limits: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(limits))):
        replace(SandboxLimits(), **limits)
