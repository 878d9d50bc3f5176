"""Whom a report shows: given these rollouts, expect these entrants."""

from collections.abc import Callable

import pytest

from lamas.domain import ComparisonMember
from tests.factories import make_rollout, make_run
from tests.warehouse.records import rows
from warehouse import Warehouse
from warehouse.writer import Writer

Store = Callable[..., int]


@pytest.mark.slow
def test_a_run_shows_its_policies_and_a_comparison_its_variants_over_all_seeds(
    store: Store, writer: Writer, warehouse: Warehouse
) -> None:
    for run_id in ("compare-1", "member-3", "member-4", "member-fixed"):
        writer.add_run(make_run(run_id))
    store(
        make_rollout(rollout_id="trained on"),
        make_rollout(rollout_id="decided", purpose="evaluate", checkpoint_id="lamas-2"),
        make_rollout(rollout_id="replaced", purpose="evaluate", checkpoint_id="lamas-0"),
        make_rollout(rollout_id="again", purpose="evaluate", checkpoint_id="lamas-0", retry=1),
        make_rollout(rollout_id="seed 3", run_id="member-3", purpose="evaluate"),
        make_rollout(
            rollout_id="seed 4", run_id="member-4", purpose="evaluate", checkpoint_id="lamas-1"
        ),
        make_rollout(rollout_id="trained in 4", run_id="member-4"),
        make_rollout(
            rollout_id="fixed",
            run_id="member-fixed",
            purpose="evaluate",
            policy="generate",
            checkpoint_id=None,
            mode="fixed",
        ),
    )
    members = (("fast", 3, "member-3"), ("fast", 4, "member-4"), ("plain", 3, "member-fixed"))
    writer.add_comparison_members(
        [
            ComparisonMember(
                comparison_run_id="compare-1",
                variant=variant,
                training_seed=seed,
                run_id=run_id,
                learned=variant == "fast",
            )
            for variant, seed, run_id in members
        ]
    )
    columns = "report_run_id, entrant, checkpoint_id, training_seed, rollout_id"
    assert rows(warehouse, f"SELECT {columns} FROM shown_rollouts ORDER BY 1, 2, 3, 4") == [
        ("compare-1", "fast", None, 3, "seed 3"),
        ("compare-1", "fast", None, 4, "seed 4"),
        ("compare-1", "plain", None, 3, "fixed"),
        # A member is a run too, with a report of its own.
        ("member-3", "lamas", "lamas-0", None, "seed 3"),
        ("member-4", "lamas", "lamas-1", None, "seed 4"),
        ("member-fixed", "generate", None, None, "fixed"),
        ("run-1", "lamas", "lamas-0", None, "again"),
        ("run-1", "lamas", "lamas-2", None, "decided"),
    ]
