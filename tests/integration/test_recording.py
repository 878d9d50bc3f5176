"""Texts that are not kept: an interrupted run goes on all the same, and then forgets answers."""

from collections.abc import Callable
from pathlib import Path

import pytest

from lamas.llm import ResponseStore
from tests.command import Finished
from tests.integration.conftest import QUIET, SMALL
from warehouse import Warehouse

pytestmark = pytest.mark.slow


def _answers(home: Path) -> int:
    with ResponseStore(home / "responses.sqlite") as store:
        return store.count()


def test_a_run_without_texts_goes_on_and_forgets_its_answers(
    home: Path, lamas: Callable[..., Finished]
) -> None:
    line = ("retrain", *SMALL, *QUIET, "recording.texts=drop", f"home={home}")
    stopped = lamas(*line, "llm.max_calls=20")
    assert stopped.code != 0
    paid = _answers(home)
    assert paid > 0
    finished = lamas(*line)
    assert finished.code == 0, finished.stderr
    assert "taken up again" in finished.stderr
    assert _answers(home) == 0
    warehouse = Warehouse.open(home / "warehouse.duckdb")
    assert warehouse.query(
        "SELECT count(*) FROM model_calls, unnest(request_messages) AS u (message) "
        "WHERE message.content <> '' OR response_text IS NOT NULL"
    ).rows() == [(0,)]
    # What was paid before the stop was replayed, not sent again.
    assert warehouse.query("SELECT count(*) FROM runs WHERE status = 'completed'").item() == 1
    assert lamas("audit", f"home={home}").code == 0


def test_reusing_answers_needs_them(home: Path, lamas: Callable[..., Finished]) -> None:
    done = lamas(
        "retrain",
        *SMALL,
        "recording.texts=hash",
        "llm.reuse_responses=always",
        f"home={home}",
    )
    assert done.code != 0
    assert "recording.texts=hash" in done.stderr
