"""Runs every attack, programs on both sandbox backends, and prints attack, limit and outcome."""

import argparse
import asyncio
import contextlib
import io
import sys
from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from lamas.domain import ToolExecution
from lamas.sandbox import Judgement
from lamas.sandbox.backends import Backend
from tests.sandbox import (
    test_attacks_on_accounting,
    test_attacks_on_files,
    test_attacks_on_neighbours,
    test_attacks_on_processes,
    test_attacks_on_resources,
)
from tests.sandbox.proving_ground import Attack, Ground, proving_ground
from tests.sandbox.test_judging import QUICK, judged_cheats

GROUPS: Mapping[str, Mapping[str, Attack]] = {
    "files": test_attacks_on_files.ATTACKS,
    "resources": test_attacks_on_resources.ATTACKS,
    "accounting": test_attacks_on_accounting.ATTACKS,
    "processes": test_attacks_on_processes.ATTACKS,
    "neighbours": test_attacks_on_neighbours.ATTACKS,
}
BACKENDS: tuple[Backend, ...] = ("auto", "landlock")
GRACE_SECONDS = 1.0
"""How long a program may outlive its limit."""
SLOW = "tests/integration"
"""Attacks on whole servers: with --all only."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One attack and what came of it."""

    where: str
    attack: str
    limit: str
    outcome: str
    succeeded: bool

    def __str__(self) -> str:
        return f"{self.where:<22} {self.attack:<52.52} {self.limit:<34.34} {self.outcome}"


def of_program(where: str, name: str, attack: Attack, outcome: ToolExecution) -> Line:
    """Succeeded: it got what it wanted, outlived its limit, or did not run into the one it must."""
    breaches = [line for line in outcome.stdout.splitlines() if "BREACH" in line]
    late = outcome.wall_seconds > attack.limits.wall_seconds + GRACE_SECONDS
    held = not attack.hits or bool(attack.hits.intersection(outcome.limits_hit))
    ended = f"after {outcome.wall_seconds:.1f} of {attack.limits.wall_seconds:g} s"
    stopped = ", ".join(outcome.limits_hit) or "refused"
    said = breaches[0] if breaches else "OUTLIVED its limit" if late else "repelled"
    return Line(
        where=where,
        attack=name,
        limit=stopped if held else f"{stopped}, NOT {', '.join(sorted(attack.hits))}",
        outcome=f"{said} {ended}",
        succeeded=bool(breaches) or late or not held,
    )


def of_cheat(where: str, name: str, judgement: Judgement) -> Line:
    """Succeeded: the wrong program passed."""
    late = any(
        run.wall_seconds > QUICK.wall_seconds + GRACE_SECONDS
        for run in (judgement.candidate, judgement.checker)
    )
    said = "PASSED" if judgement.passed else "OUTLIVED its limit" if late else "failed, as it must"
    return Line(
        where=where,
        attack=name,
        limit=judgement.detail,
        outcome=said,
        succeeded=judgement.passed or late,
    )


async def on_ground(ground: Ground, backend: str) -> list[Line]:
    """Every program and every cheat on one backend."""
    lines: list[Line] = []
    for group, attacks in GROUPS.items():
        ground.outcomes.clear()
        found = await ground.suffer(attacks)
        lines += [
            of_program(f"{backend} {group}", name, attack, found[name])
            for name, attack in attacks.items()
        ]
    reached, left = ground.connections(), await ground.survivors()
    lines.append(
        Line(
            where=f"{backend} afterwards",
            attack="sockets reached, processes left",
            limit="",
            outcome=f"{reached} reached, {left} left",
            succeeded=bool(reached or left),
        )
    )
    cheats = await judged_cheats(ground.sandbox)
    lines += [of_cheat(f"{backend} verdicts", *item) for item in cheats.items()]
    return lines


class Told:
    """Collects what pytest says of the attacks that are no programs."""

    def __init__(self) -> None:
        self.lines: list[Line] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "call" and report.passed:
            return
        file, _, name = report.nodeid.rpartition("::")
        self.lines.append(
            Line(
                where=file.rpartition("/")[2].removeprefix("test_").removesuffix(".py"),
                attack=name.removeprefix("test_").replace("_", " "),
                limit="",
                outcome="skipped" if report.skipped else "held" if report.passed else "SUCCEEDED",
                succeeded=report.failed,
            )
        )


def others(*, all_of_them: bool) -> list[Line]:
    """Attacks on files, stores, endpoints, servers: the tests marked `attack`."""
    told = Told()
    left_out = [] if all_of_them else [f"--ignore={SLOW}"]
    programs = [f"--deselect=tests/sandbox/{name}" for name in _PROGRAM_TESTS]
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        ended = pytest.main(["-q", "-m", "attack", *left_out, *programs, "tests"], plugins=[told])
    if ended not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        raise SystemExit(f"the tests marked `attack` could not be run: {said.getvalue()}")
    return told.lines


_PROGRAM_TESTS = (
    *(f"test_attacks_on_{group}.py::test_is_repelled" for group in GROUPS),
    "test_judging.py::test_success_cannot_be_faked",
)


async def programs() -> list[Line]:
    """All that a model's program may try."""
    lines: list[Line] = []
    for backend in BACKENDS:
        async with proving_ground(backend) as ground:
            named = "namespaces" if "pid-namespace" in ground.sandbox.barriers else backend
            lines += await on_ground(ground, named)
    return lines


def main() -> int:
    """Exit code 1 when any attack succeeded."""
    parser = argparse.ArgumentParser(prog="python -m tests.attacks", description=__doc__)
    parser.add_argument("--all", action="store_true", help=f"those of {SLOW} too (minutes)")
    parser.add_argument("--programs", action="store_true", help="only what runs in the sandbox")
    options = parser.parse_args()
    lines = asyncio.run(programs())
    if not options.programs:
        lines += others(all_of_them=options.all)
    for line in lines:
        print(line)
    succeeded = [line for line in lines if line.succeeded]
    print(f"{len(lines)} attacks, {len(succeeded)} succeeded")
    for line in succeeded:
        print(f"SUCCEEDED: {line}")
    return 1 if succeeded else 0


if __name__ == "__main__":
    sys.exit(main())
