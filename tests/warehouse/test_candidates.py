"""What was tried beside a champion: SQL and Python agree, tags stand, contradictions are found."""

from pathlib import Path

import duckdb
import pytest

from lamas.errors import WarehouseError
from lamas.report.candidates import CandidateEstimate, candidates_html, print_tried, tried
from tests.served import stored, tried_requests
from warehouse import Registry, Warehouse
from warehouse.reports import run_report
from warehouse.retention import prune

pytestmark = pytest.mark.slow


def test_sql_and_python_estimate_the_same(
    warehouse: Warehouse, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stored(warehouse, tmp_path / "landed", tried_requests(240, share=0.4))
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
    stored(warehouse, tmp_path / "landed", tried_requests(10, share=0.0))
    assert warehouse.query("FROM candidate_estimates").is_empty()
    (pair,) = tried(warehouse.query("FROM trial_outcomes").iter_rows(named=True))
    assert pair.estimates == ()
    print_tried([pair])
    assert "in shadow it decided none" in capsys.readouterr().out


def test_a_trial_of_another_graph_is_found(warehouse: Warehouse, tmp_path: Path) -> None:
    stored(warehouse, tmp_path / "landed", tried_requests(3, share=0.3))
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
    stored(warehouse, tmp_path / "landed", tried_requests(6, share=0.3))
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
