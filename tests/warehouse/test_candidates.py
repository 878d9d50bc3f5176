"""What was tried beside a champion: SQL and Python agree, tags stand, contradictions are found."""

import random
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pytest

from lamas.domain.served import Feedback, ServedRequest, Trial
from lamas.errors import WarehouseError
from lamas.report.candidates import CandidateEstimate, candidates_html, print_tried, tried
from tests.factories import T0, make_problem, make_rollout, make_run, step
from tests.naive import naive_labels
from tests.served import make_request
from warehouse import Registry, Warehouse
from warehouse.reports import run_report
from warehouse.retention import prune
from warehouse.served import Answered, Served, merge_served, write_served

GRAPHS = (("Generate",), ("GenerateCoT",), ("Generate", "GenerateCoT"))


def served(requests: int, *, share: float, seed: int = 0) -> Served:
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
    write_served(folder, what)
    assert merge_served(warehouse, folder) == len(what.answered)
    assert merge_served(warehouse, folder) == 0


def test_sql_and_python_estimate_the_same(
    warehouse: Warehouse, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stored(warehouse, tmp_path / "landed", served(240, share=0.4))
    assert [result.name for result in warehouse.audit() if result.rows.height] == []
    (pair,) = tried(warehouse.query("FROM trial_outcomes").iter_rows(named=True))
    assert (pair.requests, pair.shared) == (240, 240)
    rows = warehouse.query("FROM candidate_estimates").to_dicts()
    assert len(rows) == len(pair.estimates) == 12
    by_sql = {(row["metric"], row["policy"]): row for row in rows}
    for item in pair.estimates:
        row = by_sql[item.metric, item.policy]
        for name in CandidateEstimate.__slots__:
            expected = getattr(item, name)
            if isinstance(expected, float):
                assert row[name] == pytest.approx(expected, rel=1e-9, abs=1e-12), name
            else:
                assert row[name] == expected, name
    scored = by_sql["score", "candidate"]
    assert scored["requests"] == 160
    assert scored["low"] is not None
    assert run_report(warehouse, "run-1")["candidates"].height == len(rows)
    print_tried([pair])
    assert "240 requests" in capsys.readouterr().out
    assert candidates_html(pair.estimates).count("<tr>") == 5


def test_in_shadow_nothing_is_estimated(
    warehouse: Warehouse, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stored(warehouse, tmp_path / "landed", served(10, share=0.0))
    assert warehouse.query("FROM candidate_estimates").is_empty()
    (pair,) = tried(warehouse.query("FROM trial_outcomes").iter_rows(named=True))
    assert pair.estimates == ()
    print_tried([pair])
    assert "in shadow it decided none" in capsys.readouterr().out


def test_a_trial_of_another_graph_is_found(warehouse: Warehouse, tmp_path: Path) -> None:
    stored(warehouse, tmp_path / "landed", served(3, share=0.3))
    with duckdb.connect(str(warehouse.path)) as connection:
        connection.execute(
            "UPDATE trials SET champion_graph = 'Other', candidate_graph = 'Other' "
            "WHERE request_id = 'q1'"
        )
    found = {item.name: item.rows for item in warehouse.audit() if item.rows.height}
    assert list(found) == ["trials_contradict"]
    assert found["trials_contradict"]["request_id"].to_list() == ["q1"]


def test_a_tag_has_the_champion_it_was_given_last(warehouse: Warehouse) -> None:
    registry = Registry(warehouse)
    assert registry.tagged() == {}
    for number, tag in ((0, "math"), (1, "code"), (2, "math")):
        registry.tag(f"lamas-{number}", tag, reason="a test")
    found = {tag: item.checkpoint_id for tag, item in registry.tagged().items()}
    assert found == {"code": "lamas-1", "math": "lamas-2"}
    with pytest.raises(WarehouseError, match="lamas-9 is unknown"):
        registry.tag("lamas-9", "math", reason="a test")
    assert registry.weighed_last() is None
    registry.reject("lamas-2", evidence={})
    weighed = registry.weighed_last()
    assert weighed is not None
    assert weighed.checkpoint_id == "lamas-2"
    registry.promote("lamas-2", evidence={})
    assert registry.weighed_last() is None


def test_what_was_tried_outlives_the_run_that_made_it(warehouse: Warehouse, tmp_path: Path) -> None:
    stored(warehouse, tmp_path / "landed", served(6, share=0.3))
    prune(warehouse, ["run-1"], apply=True)
    assert warehouse.query("FROM trials").height == 6
    assert set(warehouse.query("FROM checkpoints")["checkpoint_id"].to_list()) == {
        "lamas-0",
        "lamas-1",
        "lamas-2",
    }
    prune(warehouse, ["serve-1"], apply=True)
    assert warehouse.query("FROM trials").is_empty()
    assert [result.name for result in warehouse.audit() if result.rows.height] == []
