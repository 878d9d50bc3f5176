"""The executor's own cost stays far below any model call."""

import pytest

from tests.measure.executing import main, overhead


async def test_an_invocation_costs_well_under_five_milliseconds() -> None:
    measured = await overhead(rollouts=30, concurrent=8)
    assert measured.invocations == 30 * 8
    assert measured.processor < 5000


def test_the_command_prints_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    main(["5", "2"])
    printed = capsys.readouterr().out
    assert "µs of processor time (40 invocations, 2 rollouts at once)" in printed
