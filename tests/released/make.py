"""Makes the homes of this folder with a checkout of a released version.

    python tests/released/make.py CHECKOUT

CHECKOUT is a git work tree of the version with its installation in `.venv` (`make install`). Left
beside this file, as VERSION-NAME.tar.xz, where VERSION is its commit (c4b92c2 is the first):

    completed     a tiny simulated retrain that ended, its last checkpoint promoted by hand, and
                  `backup`, what `lamas backup` made of it
    interrupted   the same retrain, killed (SIGKILL, all its processes) while it collected

The lines are `lamas retrain` with what LINE holds, `lamas champion promote` and `lamas backup`.
Databases of Prefect are left out: a run does not read them. Everything else is as it was written.
"""

import argparse
import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import tarfile
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
LINE = [
    "llm=simulated",
    "llm.simulated.in_process=true",
    "benchmark.size=12",
    "controller.layers=2",
    "controller.hidden=4",
    "training.steps=2",
    "training.problems_per_step=2",
    "training.rollouts_per_problem=3",
    "execution.concurrency=2",
    "evaluation.problems=4",
    "evaluation.baselines=[generate]",
]
ROLLOUTS_OF_A_STEP = 6
DROPPED = {"prefect", "reports", "landing"}
STORED = """
import duckdb, sys
with duckdb.connect(sys.argv[1]) as warehouse:
    print(warehouse.sql("SELECT count(*) FROM rollouts").fetchall()[0][0])
    print(warehouse.sql("SELECT count(*) FROM model_calls").fetchall()[0][0])
"""
LAST = """
import duckdb, sys
with duckdb.connect(sys.argv[1], read_only=True) as warehouse:
    print(warehouse.sql("SELECT max_by(checkpoint_id, step) FROM checkpoints").fetchall()[0][0])
"""


def main() -> None:
    """Make all of them, in a temporary folder, then pack them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("checkout", type=Path)
    checkout: Path = parser.parse_args().checkout.resolve()
    version = _said(["git", "-C", str(checkout), "rev-parse", "--short=7", "HEAD"]).strip()
    with tempfile.TemporaryDirectory(prefix="lamas-released-") as temporary:
        folder = Path(temporary)
        _lamas(checkout, folder, "retrain", *LINE, "home=completed")
        _promote(checkout, folder)
        _lamas(checkout, folder, "backup", "backup", "home=completed")
        _interrupt(checkout, folder)
        # One archive of both: most of a backup stands in its home too.
        _pack(HERE / f"{version}-completed.tar.xz", folder / "completed", folder / "backup")
        _pack(HERE / f"{version}-interrupted.tar.xz", folder / "interrupted")


def _promote(checkout: Path, folder: Path) -> None:
    """Make the last checkpoint champion: so little training need not have paid."""
    last = _python(checkout, LAST, folder / "completed" / "warehouse.duckdb").strip()
    reason = ("--reason", "a home with a champion")
    _lamas(checkout, folder, "champion", "promote", last, *reason, "home=completed")


def _interrupt(checkout: Path, folder: Path) -> None:
    """Kill a run that has some rollouts of its second step stored and others half done.

    Of the second step: the first one's graphs follow from weights that are made anew, whose last
    bits another machine may have otherwise.
    """
    home = folder / "interrupted"
    run = subprocess.Popen(
        [checkout / ".venv" / "bin" / "lamas", "retrain", *LINE, "home=interrupted"],
        cwd=folder,
        start_new_session=True,
    )
    try:
        looked_at = 0
        while run.poll() is None:
            time.sleep(0.02)
            answers = _answers(home)
            if len(list(home.glob("checkpoints/*"))) < 2 or answers < looked_at + 3:
                continue
            looked_at = answers
            os.kill(run.pid, signal.SIGSTOP)
            if _half_done(checkout, home, folder / f"at_{answers}"):
                return
            os.kill(run.pid, signal.SIGCONT)
        raise SystemExit("the run ended before it was killed: try again")
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(run.pid, signal.SIGKILL)
        run.wait()


def _half_done(checkout: Path, home: Path, copy: Path) -> bool:
    # A copy is opened: what is packed stays as the killed process left it.
    shutil.copytree(home, copy, ignore=shutil.ignore_patterns(*DROPPED))
    counted = _python(checkout, STORED, copy / "warehouse.duckdb").split()
    rollouts, calls = (int(number) for number in counted)
    answers = _answers(copy)
    print(f"stopped with {rollouts} rollouts, {calls} calls of {answers} answers stored")
    return ROLLOUTS_OF_A_STEP < rollouts < 2 * ROLLOUTS_OF_A_STEP and calls < answers


def _answers(home: Path) -> int:
    path = home / "responses.sqlite"
    if not path.exists():
        return 0
    with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as store:
        try:
            return int(store.execute("SELECT count(*) FROM responses").fetchall()[0][0])
        except sqlite3.OperationalError:
            return 0


def _lamas(checkout: Path, folder: Path, *arguments: str) -> None:
    subprocess.run([checkout / ".venv" / "bin" / "lamas", *arguments], cwd=folder, check=True)


def _python(checkout: Path, program: str, *arguments: Path) -> str:
    python = checkout / ".venv" / "bin" / "python"
    return _said([str(python), "-c", program, *map(str, arguments)])


def _said(command: list[str]) -> str:
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def _pack(archive: Path, *items: Path) -> None:
    def kept(item: tarfile.TarInfo) -> tarfile.TarInfo | None:
        item.uid = item.gid = 0
        item.uname = item.gname = ""
        parts = Path(item.name).parts
        return None if len(parts) > 1 and parts[1] in DROPPED else item

    with tarfile.open(archive, "w:xz", preset=9) as packed:
        for item in items:
            packed.add(item, arcname=item.name, filter=kept)


if __name__ == "__main__":
    main()
