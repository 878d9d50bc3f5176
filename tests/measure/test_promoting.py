"""No request fails while champions change, and each answer names the one that decided."""

from pathlib import Path

import pytest

from tests.measure.promoting import promoted


@pytest.mark.slow
async def test_champions_change_under_load(tmp_path: Path) -> None:
    told, stored, names = await promoted(tmp_path, 150)
    assert told.failed == []
    assert len(told.named) == 150
    assert stored == told.named
    # The first decided before the first promotion; who came when it was noticed is up to the load.
    assert names[0] in set(told.named.values()) <= set(names)
    assert len(set(told.named.values())) >= 2
