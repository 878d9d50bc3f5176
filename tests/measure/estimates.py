"""`python -m tests.measure.estimates`: does what was estimated before a promotion come true after?

A gateway's traffic in numbers: three kinds of question, on two of which champion and candidate
decide on different graphs; the candidate gets a share of the requests, drawn as the gateway draws
it; people give a score to some answers. Then the candidate is promoted, and the mean of what
follows is held against the interval from before. No model is asked.
"""

import argparse
import random
import statistics
from dataclasses import dataclass

from lamas.evaluation.doubly_robust import TrialOutcome, doubly_robust
from lamas.gateway.trials import decides

KINDS = ("sums", "comparisons", "puzzles")
CHAMPION = {"sums": "a", "comparisons": "a", "puzzles": "b"}
CANDIDATE = {"sums": "a", "comparisons": "c", "puzzles": "c"}
RIGHT = {
    **{("sums", graph): 0.9 for graph in "abc"},
    ("comparisons", "a"): 0.5,
    ("comparisons", "b"): 0.6,
    ("comparisons", "c"): 0.7,
    ("puzzles", "a"): 0.1,
    ("puzzles", "b"): 0.4,
    ("puzzles", "c"): 0.35,
}
"""Probability of a right answer by kind and graph."""
TOKENS = {"a": 100.0, "b": 900.0, "c": 300.0}
"""Median of CP_len by graph."""
SAID_SHARE = 0.6
AFTER = 5_000


@dataclass(frozen=True, kw_only=True)
class Came:
    """One repetition in one metric."""

    covered: bool
    half_width: float
    alone: float
    """Half-width of an interval from the candidate's own requests, without what else is known."""


def answered(draw: random.Random, graphs: dict[str, str]) -> tuple[str, float, float]:
    """(kind, score, tokens) of one question, answered by the graph of its kind."""
    kind = draw.choice(KINDS)
    right = draw.random() < RIGHT[kind, graphs[kind]]
    return kind, float(right), TOKENS[graphs[kind]] * draw.lognormvariate(0.0, 0.5)


def repetition(seed: int, requests: int, share: float) -> dict[str, Came]:
    """An estimate from `requests`, and what came of it, by metric."""
    draw = random.Random(seed)
    trials: dict[str, list[TrialOutcome]] = {"score": [], "cp_tokens": []}
    for number in range(requests):
        drawn = decides("candidate", share, f"{seed}/{number}")
        graphs = CANDIDATE if drawn else CHAMPION
        kind, right, tokens = answered(draw, graphs)
        said = draw.random() < SAID_SHARE
        for metric, value in (("score", right), ("cp_tokens", tokens)):
            if metric == "score" and not said:
                continue
            trials[metric].append(
                TrialOutcome(
                    champion_graph=CHAMPION[kind],
                    candidate_graph=CANDIDATE[kind],
                    by_candidate=drawn,
                    candidate_share=share,
                    value=value,
                )
            )
    later = [answered(draw, CANDIDATE) for _ in range(AFTER)]
    came = {
        "score": statistics.fmean(right for _, right, _ in later),
        "cp_tokens": statistics.fmean(tokens for _, _, tokens in later),
    }
    found: dict[str, Came] = {}
    for metric, of_metric in trials.items():
        _, candidate, _ = doubly_robust(of_metric)
        assert candidate.low is not None, "too few requests for an interval: raise --requests"
        assert candidate.high is not None, "both ends or none"
        own = [item.value for item in of_metric if item.by_candidate]
        found[metric] = Came(
            covered=candidate.low <= came[metric] <= candidate.high,
            half_width=(candidate.high - candidate.low) / 2,
            alone=1.96 * statistics.stdev(own) / len(own) ** 0.5,
        )
    return found


def main() -> None:
    """Repeat and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--repetitions", type=int, default=100)
    parser.add_argument("--requests", type=int, default=1500)
    parser.add_argument("--share", type=float, default=0.1)
    options = parser.parse_args()
    all_of_it = [
        repetition(seed, options.requests, options.share) for seed in range(options.repetitions)
    ]
    for metric in ("score", "cp_tokens"):
        found = [item[metric] for item in all_of_it]
        ratio = statistics.fmean(item.half_width / item.alone for item in found)
        print(
            f"{metric}: {sum(item.covered for item in found)} of {options.repetitions} intervals "
            f"from {options.requests} requests, {100 * options.share:g} % of them the candidate's, "
            f"hold the mean of the {AFTER} after its promotion; they are {ratio:.2f} × as wide as "
            "those of the candidate's own requests alone"
        )


if __name__ == "__main__":
    main()
