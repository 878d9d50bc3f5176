"""Simulated cells in the warehouse: stored once, and the view says what the records say."""

from dataclasses import asdict

import numpy as np
import pytest

from lamas.errors import WarehouseError
from lamas.evaluation.serving import CellFigures, cell_figures, compared
from lamas.report.serving_tables import print_serving, serving_markdown
from lamas.report.simulation import simulation_charts, simulation_data, simulation_page
from lamas.serving.simulation.records import Kept
from tests.warehouse.records import rows
from tests.warehouse.simulated import simulated_cell
from warehouse import Warehouse
from warehouse.reports import simulation_report
from warehouse.simulations import Simulations
from warehouse.writer import Writer


def store(writer: Writer, *, policies: str = "maestro", seed: int = 0) -> CellFigures:
    cell, kept = simulated_cell(policies, seed)
    writer.add_simulated(cell, kept.records)
    return cell_figures(cell, kept.workflows, kept.calls, len(kept.cold_starts))


@pytest.mark.slow
def test_the_view_repeats_what_the_records_give(writer: Writer, warehouse: Warehouse) -> None:
    expected = [store(writer, seed=seed) for seed in (0, 1)]
    store(writer, seed=1)
    stored = Simulations(warehouse)
    run_id = simulated_cell()[0].run_id
    assert stored.cells(run_id) == {("maestro", 1.5, 0), ("maestro", 1.5, 1)}
    found = stored.figures(run_id, CellFigures)
    assert [asdict(item) for item in found] == [
        pytest.approx(asdict(item), nan_ok=True) for item in expected
    ]
    assert found[0].overtaking_share > 0
    assert found[0].distinct_keys > 10
    assert [result.name for result in warehouse.audit() if result.rows.height] == []


@pytest.mark.slow
def test_waits_and_looks_at_nodes_are_there(writer: Writer, warehouse: Warehouse) -> None:
    store(writer)
    cell, kept = simulated_cell()
    waits = rows(warehouse, "SELECT role, model, calls, wait_mean_seconds FROM serving_waits")
    groups = {(item.role, item.model) for item in kept.calls}
    assert {row[:2] for row in waits} == groups
    for role, model, calls, wait in waits:
        own = [item for item in kept.calls if (item.role, item.model) == (role, model)]
        assert calls == len(own)
        assert wait == pytest.approx(np.mean([item.started_at - item.ready_at for item in own]))
    looks = rows(
        warehouse,
        "SELECT weight_bytes + reserved_bytes + pinned_bytes + cached_bytes <= 500000, count(*) "
        f"FROM simulated_node_samples WHERE cell_id = '{cell.cell_id}' GROUP BY ALL",
    )
    assert looks == [(True, len(kept.samples))]
    assert len(kept.samples) > 2


@pytest.mark.slow
def test_policies_are_compared_by_seed(capsys: pytest.CaptureFixture[str]) -> None:
    figures: list[CellFigures] = []
    for policies in ("fcfs", "maestro"):
        for seed in (0, 1, 2):
            cell, kept = simulated_cell(policies, seed)
            figures.append(cell_figures(cell, kept.workflows, kept.calls, len(kept.cold_starts)))
    base, other = compared(figures, "fcfs")
    assert (base.against, base.policies, other.policies) == ({}, "fcfs", "maestro")
    ratios = [
        own.completion_mean_seconds / first.completion_mean_seconds
        for first, own in zip(figures[:3], figures[3:], strict=True)
    ]
    found = other.against["completion_mean_seconds"]
    assert found.mean == pytest.approx(np.mean(ratios))
    assert found.low < found.mean < found.high
    gain = other.against["slo_5"].mean
    assert gain == pytest.approx(other.values["slo_5"].mean - base.values["slo_5"].mean)
    print_serving((base, other), "fcfs")
    printed = capsys.readouterr().out
    markdown = serving_markdown((base, other), "fcfs")
    for text in (printed, markdown):
        assert "maestro" in text
        assert f"{found.mean:.3f}× [{found.low:.3f}, {found.high:.3f}]" in text


@pytest.mark.slow
def test_the_page_draws_what_is_stored_and_says_who_waited_for_whom(
    writer: Writer, warehouse: Warehouse
) -> None:
    expected = store(writer, policies="maestro")
    store(writer, policies="fcfs")
    run_id = simulated_cell()[0].run_id
    answers = simulation_report(warehouse, run_id)
    data = simulation_data(answers, run_id)
    assert {row.policies: row.slo_3 for row in data.loads}["maestro"] == pytest.approx(
        expected.slo_3
    )
    kept = simulated_cell("fcfs")[1]
    waited = [row for row in data.waited_for if row.policies == "fcfs"]
    assert sum(row.call_seconds for row in waited) == pytest.approx(naive_waits(kept))
    names = [chart.name for chart in simulation_charts(data)]
    assert names == ["slo-over-load", "completion-times", "memory-of-a-node"]
    page = simulation_page(data, simulation_charts(data))
    assert "Who waited for whom" in page
    assert f"{expected.completion_mean_seconds:.2f}" in page
    assert f"{expected.open_node_seconds / 3600:.2f}" in page
    assert " on None" not in page
    assert page == simulation_page(data, simulation_charts(data))


def naive_waits(kept: Kept) -> float:
    """Seconds that each call waited while another one ran at its node, pair by pair."""
    return sum(
        max(min(one.started_at, other.ended_at) - max(one.ready_at, other.started_at), 0.0)
        for one in kept.calls
        for other in kept.calls
        if one is not other and one.node == other.node and one.started_at > one.ready_at
    )


def test_a_run_without_cells_has_no_page(warehouse: Warehouse) -> None:
    run_id = simulated_cell()[0].run_id
    with pytest.raises(WarehouseError, match="stored no simulated cell"):
        simulation_data(simulation_report(warehouse, run_id), run_id)
