"""What was asked of a controller as a deadline stands beside what came out."""

from dataclasses import replace

import pytest

from lamas.domain.table_fit import TableFitRecord
from lamas.report.deadlines import DeadlineKept, deadlines_html
from tests.factories import Step, make_call, make_rollout
from tests.naive import naive_labels
from warehouse import Warehouse
from warehouse.reports import run_report
from warehouse.writer import Writer

FIT = TableFitRecord(
    run_id="run-1",
    checkpoint_id="lamas-1",
    clock="tokens",
    margin=0.01,
    problems=4,
    samples=1,
    best_graph=(("Generate",),),
    best_score=0.5,
    best_time=100.0,
    multiplier=0.001,
    score=0.5,
    time=90.0,
    score_unit=0.5,
    time_unit=50.0,
)
TOKENS = {200.0: (100, 150, 290), 50.0: (40, 60, 80), None: (10, 10, 10)}


@pytest.mark.slow
def test_each_deadline_has_its_mean_and_p90(warehouse: Warehouse) -> None:
    writer = Writer(warehouse)
    writer.add_updates([], fits=[FIT])
    for deadline, lengths in TOKENS.items():
        for number, tokens in enumerate(lengths):
            made = make_rollout(
                [[Step(operator="Generate", calls=(make_call(tokens),))]],
                rollout_id=f"{deadline}/{number}",
                problem_id=f"sums/v1/{number}",
                checkpoint_id="lamas-1",
                purpose="evaluate",
                mode="decided",
                score=float(number > 0),
            )
            plan = replace(
                made.plan,
                deadline=deadline,
                multiplier=None if deadline is None else 1 / deadline,
                policy="lamas" if deadline is None else f"lamas@{deadline:g}",
            )
            rollout = replace(made, plan=plan)
            writer.add_rollouts([(rollout, naive_labels(rollout.trace))])
    rows = run_report(warehouse, "run-1")["deadlines"].to_dicts()
    assert [row["asked"] for row in rows] == [200.0, 50.0]
    assert rows[0] == {
        "policy": "lamas@200",
        "checkpoint_id": "lamas-1",
        "clock": "tokens",
        "asked": 200.0,
        "score": pytest.approx(2 / 3),
        "mean": pytest.approx(180.0),
        "p90": pytest.approx(150 + 0.8 * 140),
        "rollouts": 3,
    }
    kept = [DeadlineKept(**row) for row in rows]
    shown = deadlines_html(kept, {("lamas@200", "lamas-1"): "<b>it</b>"})
    assert shown.count("<tr>") == 3
    for text in ("&lt;b&gt;it", "lamas@50", "200 tokens of CP_len", "-10.0", "+20.0", "66.7"):
        assert text in shown
    assert deadlines_html([], {}) == ""
