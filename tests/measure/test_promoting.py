"""No request fails while champions change, and each answer names the one that decided."""

import asyncio
from pathlib import Path

import pytest

from tests.measure.promoting import on_record, promoted, restart


@pytest.mark.slow
async def test_champions_change_under_load(tmp_path: Path) -> None:
    home = tmp_path / "home"
    told, names = await promoted(home, 150)
    assert told.failed == []
    assert len(told.named) == 150
    _, _, champion = await asyncio.to_thread(restart, home)
    assert champion == names[2]
    assert on_record(home) == told.named
    # The first decided before the first promotion; who came when it was noticed is up to the load.
    assert names[0] in set(told.named.values()) <= set(names)
    assert len(set(told.named.values())) >= 2
