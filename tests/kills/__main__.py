"""What is left of runs that are struck: `python -m tests.kills --kills 50`."""

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from flows.orchestrator.quiet import hide_leak_report
from flows.orchestrator.server import prefect_server
from tests.kills.campaign import Home, Tally, Undisturbed, disturbed_run, undisturbed_run
from tests.kills.nursery import Nursery
from tests.kills.processes import adopt_orphans, children
from tests.kills.runs import STEPS, RunKind
from tests.kills.targets import STAGES, Target, draw
from tests.leftovers import Session

COLD_EVERY = 4
"""One home folder in so many begins with a process as a user starts it."""


def run(options: argparse.Namespace, folder: Path) -> Tally:
    """Kill runs until the wished number of kills is reached; what came of it."""
    tally, rng = Tally(), random.Random(options.seed)
    with prefect_server(folder / "prefect") as server:
        known = {item.pid for item in children(os.getpid())}
        nursery = Nursery({"PREFECT_API_URL": server.api_url})

        def home(name: str, kind: RunKind) -> Home:
            return Home(
                folder / name,
                nursery,
                tally,
                own_children=lambda: known,
                seed=options.seed,
                kind=kind,
            )

        def campaign(kills: int, kind: RunKind) -> None:
            if not kills:
                return
            undisturbed = undisturbed_run(home(f"undisturbed {kind}", kind))
            _say(f"undisturbed, {kind}: {_described(undisturbed)}")
            waiting: list[list[Target]] = draw(rng, kills, steps=STEPS, each=options.each)
            again: list[Target] = []
            number = 0
            while waiting or again:
                if not waiting:
                    waiting, again = [again[: options.each]], again[options.each :]
                targets, begun = waiting.pop(0), time.monotonic()
                number += 1
                name = f"{kind} {number}"
                missed = disturbed_run(
                    home(name, kind),
                    targets,
                    undisturbed,
                    cold=number % options.cold_every == 0,
                )
                # Nearer to its stage's beginning, so that it is met one day.
                again += [replace(item, fraction=item.fraction / 2) for item in missed]
                _say(
                    f"{name}: {len(targets) - len(missed)} kills in "
                    f"{time.monotonic() - begun:.0f} s, {tally.kills} in all, "
                    f"{len(tally.violations)} violations"
                )
                shutil.rmtree(folder / name, ignore_errors=True)

        try:
            campaign(options.kills - options.embedded - options.quorum, "simulated")
            campaign(options.quorum, "quorum")
            campaign(options.embedded, "embedded")
        finally:
            nursery.close()
    return tally


def summary(tally: Tally) -> str:
    """What was done and found, in a few lines."""
    stages = ", ".join(f"{stage} {tally.stages[stage]}" for stage in STAGES)
    victims = ", ".join(f"{name} {count}" for name, count in sorted(tally.victims.items()))
    return "\n".join(
        [
            f"{tally.kills} kills over {tally.completed} runs that were started "
            f"again until they completed, {tally.attempts} attempts, {tally.cold} of them cold",
            f"  by blow: SIGKILL {tally.blows['kill']}, SIGHUP {tally.blows['hangup']}, "
            f"response store deleted {tally.blows['store']}",
            f"  by stage: {stages}",
            f"  by victim: {victims}; {tally.replaced} killed workers were "
            f"replaced or done without, {tally.gave_up} attempts gave up with a sentence",
            f"  {tally.replayed} stored answers were used again",
            f"  {tally.raced} rollouts ended layers at a quorum, {tally.cancelled} of their calls "
            "were cancelled",
            f"  {len(tally.violations)} violations",
            *(f"  VIOLATION {text}" for text in tally.violations),
        ]
    )


def _described(undisturbed: Undisturbed) -> str:
    stages = ", ".join(
        f"{place.stage}{f' {place.step}' if place.step else ''} {seconds:.1f} s"
        for place, seconds in undisturbed.seconds.items()
    )
    return f"{len(undisturbed.contents.answers)} paid answers; {stages}"


def _say(text: str) -> None:
    print(text, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """1 when anything was lost, doubled, paid twice, left running or came out different."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0, help="of the instants, and of the runs")
    parser.add_argument("--each", type=int, default=7, help="kills of one run at most")
    parser.add_argument("--cold-every", type=int, default=COLD_EVERY, metavar="N")
    parser.add_argument("--keep", type=Path, help="work in this folder and leave it")
    parser.add_argument(
        "--embedded",
        type=int,
        help="kills of runs with the embedded model; every eighth if left out",
    )
    parser.add_argument(
        "--quorum",
        type=int,
        help="kills of runs whose chains race at an endpoint with faults; every eighth if left out",
    )
    options = parser.parse_args(arguments)
    for kind in ("embedded", "quorum"):
        if getattr(options, kind) is None:
            setattr(options, kind, options.kills // 8)
    if options.embedded + options.quorum > options.kills:
        parser.error("--embedded and --quorum are of --kills, and more than those")
    session = Session.begin()
    hide_leak_report()
    adopt_orphans()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="lamas-kills-") as folder:
        tally = run(options, options.keep or Path(folder))
    tally.violations += [f"left behind: {item}" for item in session.end()]
    print(summary(tally))
    print(f"  {time.monotonic() - begun:.0f} s")
    return 1 if tally.violations else 0


if __name__ == "__main__":
    sys.exit(main())
