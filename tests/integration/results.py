"""What must be equal when two runs are equal, asserted."""

from pathlib import Path

from tests.kills.results import results


def assert_equal_results(left: Path, right: Path) -> None:
    """Compare table by table, so that a failure names the first one that differs."""
    of_left, of_right = results(left), results(right)
    for name, frame in of_left.items():
        assert frame.height > 0, f"{name} is empty"
        assert frame.equals(of_right[name]), f"{name} differs"
