"""A gateway's disk that fills up at load, and has room again: what was answered is stored once."""

import asyncio
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.flows.conftest import prepared as prepared  # the same home
from tests.kills.test_gateway import IN_PROCESS, ask_until, assert_stored_once, more, started
from tests.patience import soon

ON_A_SMALL_DISK = """
mount -t tmpfs -o "size=$1" tmpfs "$2" || exit 77
folder=$2
shift 2
"$@" &
read -r _
mount -o remount,size=64m "$folder"
read -r _
kill -TERM $!
wait $!
test -z "$(ls -A "$folder/served")"
"""
"""A command whose disk gets room at the first line that is read, and which is ended at the second;
the exit code says whether anything was left on the disk.
"""

MOUNTS = ("unshare", "--user", "--map-root-user", "--mount")


def without_mounts() -> bool:
    """Whether a process may not mount a file system of its own here."""
    if shutil.which(MOUNTS[0]) is None:
        return True
    tried = [*MOUNTS, "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return subprocess.run(tried, capture_output=True, check=False).returncode != 0


@pytest.mark.slow
@pytest.mark.skipif(without_mounts(), reason="no mounts of one's own here")
async def test_a_disk_that_fills_up_is_a_proper_error_until_it_has_room(
    prepared: Path, tmp_path: Path
) -> None:
    home = Path(shutil.copytree(prepared, tmp_path / "home"))
    landing = home / "landing"
    landing.mkdir()
    # Room for some dozens of answers, and none for what is to land then.
    around = (*MOUNTS, "sh", "-c", ON_A_SMALL_DISK, "sh", "200k", str(landing))
    process, url = await asyncio.to_thread(started, home, *IN_PROCESS, around=around)
    assert process.stdin is not None
    answered: dict[str, float] = {}
    statuses: list[int] = []
    stop = asyncio.Event()
    asking = [asyncio.create_task(ask_until(stop, url, answered, statuses)) for _ in range(4)]
    await soon(lambda: statuses.count(503) >= 20)
    before = len(answered)
    process.stdin.write("\n")
    process.stdin.flush()
    await soon(lambda: more(answered, before + 40))
    stop.set()
    await asyncio.gather(*asking)
    assert set(statuses) == {200, 503}
    process.communicate("\n")
    assert process.returncode == 0
    assert_stored_once(home, answered)
