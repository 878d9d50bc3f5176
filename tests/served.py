"""Requests that a gateway answered, for tests of whoever keeps or asks them."""

import random
from dataclasses import replace
from pathlib import Path

import numpy as np

from lamas.domain.served import Feedback, ServedRequest, Trial
from tests.factories import T0, make_problem, make_rollout, make_run, step
from tests.naive import naive_labels
from warehouse import Warehouse
from warehouse.served import Answered, Served, merge_served, write_served


def make_request(
    request_id: str, *, run_id: str, rollout_id: str, client: str = "local"
) -> ServedRequest:
    """One message to the champion, answered whole after a second."""
    return ServedRequest(
        request_id=request_id,
        run_id=run_id,
        rollout_id=rollout_id,
        checkpoint_id=None,
        client=client,
        client_user=None,
        requested_model="lamas",
        multiplier=None,
        deadline_seconds=None,
        messages=1,
        streamed=False,
        metadata="{}",
        status=200,
        received_at=T0,
        decided_at=T0,
        answered_at=T0 + 1,
    )


Said = tuple[float | None, str | None]
"""A score, a reference."""


def asked_questions(questions: dict[str, list[Said]]) -> Served:
    """One request for each question, and what was said of it, in order."""
    answered: list[Answered] = []
    requests: list[ServedRequest] = []
    feedback: list[Feedback] = []
    for number, (question, said) in enumerate(questions.items()):
        rollout = make_rollout(
            rollout_id=f"r{number}",
            run_id="serve-1",
            problem_id=f"served/{number}",
            checkpoint_id=None,
            purpose="serve",
            mode="fixed",
        )
        problem = replace(
            make_problem(number), problem_id=f"served/{number}", question=question, reference=""
        )
        answered.append(
            Answered(
                rollout=replace(rollout, score=None),
                labels=naive_labels(rollout.trace),
                problem=problem,
                embedding=np.zeros(384, dtype=np.float32),
            )
        )
        requests.append(
            make_request(f"q{number}", run_id="serve-1", rollout_id=f"r{number}", client="alice")
        )
        feedback += [
            Feedback(
                feedback_id=f"f{number}.{place}",
                request_id=f"q{number}",
                client="alice",
                score=score,
                reference=reference,
                comment=None,
                given_at=T0 + place,
            )
            for place, (score, reference) in enumerate(said)
        ]
    run = replace(make_run("serve-1"), kind="serve", status="completed", ended_at=T0 + 9)
    return Served(run=run, answered=answered, requests=requests, feedback=feedback)


GRAPHS = (("Generate",), ("GenerateCoT",), ("Generate", "GenerateCoT"))


def tried_requests(requests: int, *, share: float, seed: int = 0) -> Served:
    """Requests of a gateway whose champion is `lamas-1` and whose candidate is `lamas-2`."""
    draw = random.Random(seed)
    run = replace(make_run("serve-1"), kind="serve", status="completed", ended_at=T0 + 9)
    answered: list[Answered] = []
    asked: list[ServedRequest] = []
    trials: list[Trial] = []
    said: list[Feedback] = []
    for number in range(requests):
        graphs = draw.choice(GRAPHS), draw.choice(GRAPHS)
        drawn = draw.random() < share
        who, graph = ("lamas-2", graphs[1]) if drawn else ("lamas-1", graphs[0])
        rollout = make_rollout(
            [[step(name, draw.randint(10, 400)) for name in graph]],
            rollout_id=f"r{number}",
            run_id="serve-1",
            problem_id=f"served/{number}",
            checkpoint_id=who,
            purpose="serve",
            mode="decided",
        )
        rollout = replace(rollout, score=None)
        problem = replace(make_problem(number), problem_id=f"served/{number}", reference="")
        answered.append(
            Answered(
                rollout=rollout,
                labels=naive_labels(rollout.trace),
                problem=problem,
                embedding=np.zeros(384, dtype=np.float32),
            )
        )
        name = f"q{number}"
        request = make_request(name, run_id="serve-1", rollout_id=f"r{number}")
        asked.append(replace(request, checkpoint_id=who))
        trials.append(
            Trial(
                request_id=name,
                champion_id="lamas-1",
                candidate_id="lamas-2",
                candidate_share=share,
                champion_graph=" ∥ ".join(graphs[0]),
                candidate_graph=" ∥ ".join(graphs[1]),
                champion_log_probability=-0.5,
                candidate_log_probability=-1.5,
            )
        )
        if number % 3:
            said.append(
                Feedback(
                    feedback_id=f"f{number}",
                    request_id=name,
                    client="local",
                    score=draw.random(),
                    reference=None,
                    comment=None,
                    given_at=T0 + number,
                )
            )
    return Served(run=run, answered=answered, requests=asked, trials=trials, feedback=said)


def stored(warehouse: Warehouse, folder: Path, what: Served) -> None:
    """Write and merge it; merging again adds nothing."""
    write_served(folder, what)
    assert merge_served(warehouse, folder) == len(what.answered)
    assert merge_served(warehouse, folder) == 0
