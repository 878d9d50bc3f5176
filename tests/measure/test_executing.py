"""The measurement of the executor's own cost counts all and prints its line."""

import pytest

from tests.measure.executing import main, overhead


async def test_every_invocation_is_counted() -> None:
    measured = await overhead(rollouts=30, concurrent=8)
    assert measured.invocations == 30 * 8
    assert measured.processor > 0


@pytest.mark.slow
def test_the_command_prints_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    main(["5", "2"])
    printed = capsys.readouterr().out
    assert "µs of processor time (40 invocations, 2 rollouts at once)" in printed
