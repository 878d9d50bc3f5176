"""The folder of a sandbox: whose it is, and that those of dead sandboxes are swept."""

import os
import pathlib
import re
import subprocess
import sys

import pytest

from lamas.sandbox import ProcessSandbox
from lamas.sandbox.base import make, sweep

_DIES = """
import asyncio, os, signal
from lamas.sandbox import ProcessSandbox
async def main():
    async with ProcessSandbox(backend="{backend}") as sandbox:
        await sandbox.run("open('left', 'w').write('x')")
        os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""


def _killed_in(backend: str) -> int:
    program = _DIES.format(backend=backend)
    return subprocess.run([sys.executable, "-c", program], check=False, timeout=60).returncode


@pytest.fixture(autouse=True)
def temporary(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    # Programs are another user's when this one is root.
    for folder in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        folder.chmod(0o755)
    return tmp_path


def test_a_name_tells_user_and_process(temporary: pathlib.Path) -> None:
    base = make()
    assert os.path.dirname(base.path) == str(temporary.resolve())
    name = os.path.basename(base.path)
    assert re.fullmatch(rf"lamas-sandbox-{os.geteuid()}-{os.getpid()}-\w+", name)
    base.remove()
    assert os.listdir(temporary) == []


def test_what_is_in_use_or_not_a_sandboxs_stays(temporary: pathlib.Path) -> None:
    used = make()
    for name in ("lamas-sandbox-old", "lamas-sandbox-1-x-y", "other", "lamas-sandboxes-1-2-z"):
        (temporary / name).mkdir()
    (temporary / "lamas-sandbox-0-1-file").write_text("no folder")
    (temporary / "elsewhere").mkdir()
    (temporary / "elsewhere" / "precious").write_text("x")
    (temporary / "lamas-sandbox-0-1-link").symlink_to(temporary / "elsewhere")
    before = sorted(os.listdir(temporary))
    assert sweep() == 0
    assert sorted(os.listdir(temporary)) == before
    assert (temporary / "elsewhere" / "precious").exists()
    used.remove()


@pytest.mark.slow
@pytest.mark.attack
@pytest.mark.parametrize("backend", ["auto", "landlock"])
async def test_the_folders_of_killed_sandboxes_are_swept_at_the_next_start(
    temporary: pathlib.Path, backend: str
) -> None:
    for _ in range(2):
        assert _killed_in(backend) == -9
    # The second one swept what the first had left.
    assert len(os.listdir(temporary)) == 1
    async with ProcessSandbox(backend="landlock") as sandbox:
        (kept,) = os.listdir(temporary)
        assert f"-{os.getpid()}-" in kept
        async with ProcessSandbox(backend="landlock"):
            assert len(os.listdir(temporary)) == 2
        assert (await sandbox.run("print(1)")).stdout == "1\n"
    assert os.listdir(temporary) == []


@pytest.mark.slow
def test_many_who_make_and_sweep_at_once_keep_their_own(temporary: pathlib.Path) -> None:
    program = (
        "import os\nfrom lamas.sandbox.base import make, sweep\n"
        "for _ in range(60):\n"
        "    sweep()\n    base = make()\n    os.listdir(base.path)\n"
        "    open(base.path + '/mine', 'w').close()\n    os.unlink(base.path + '/mine')\n"
        "    base.remove()\n"
    )
    running = [subprocess.Popen([sys.executable, "-c", program]) for _ in range(3)]
    assert [one.wait(timeout=120) for one in running] == [0, 0, 0]
    assert os.listdir(temporary) == []
