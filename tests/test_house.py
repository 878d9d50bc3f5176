"""The plan of the house: what the script counts on a small one, and what holds of this one."""

from pathlib import Path

import pytest

from tests.house import STAIRCASE, Plan, main, plan, upstairs


def built(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def pairs(drawn: Plan) -> set[tuple[str, str]]:
    return set(drawn.pairs)


def test_every_kind_of_import_is_seen(tmp_path: Path) -> None:
    root = built(
        tmp_path,
        {
            "flows/__init__.py": "",
            "flows/a.py": "from flows import b\n",
            "flows/b.py": "import json\nimport flows.c.deep\n",
            "flows/c/__init__.py": "from .deep import x\nfrom ..d import y\n",
            "flows/c/deep.py": "def f():\n    from flows.e import z\n",
            "flows/d.py": "if TYPE_CHECKING:\n    from flows.e import z\n",
            "flows/e.py": "",
        },
    )
    drawn = plan("flows", root)
    assert drawn.rooms == {"a", "b", "c", "d", "e"}
    assert pairs(drawn) == {("a", "b"), ("b", "c"), ("c", "d"), ("c", "e"), ("d", "e")}
    assert drawn.floors == {"e": 0, "d": 1, "c": 2, "b": 3, "a": 4}
    assert drawn.circles == ()
    assert drawn.upward == ()


def test_a_lazy_import_closes_a_circle(tmp_path: Path) -> None:
    root = built(
        tmp_path,
        {
            "flows/a.py": "import flows.b\nimport flows.c\n",
            "flows/b.py": "import flows.c\n",
            "flows/c.py": "\ndef f():\n    import flows.b\n",
            "flows/d.py": "import flows.a\n",
        },
    )
    drawn = plan("flows", root)
    assert drawn.circles == (frozenset({"b", "c"}),)
    assert len(drawn.upward) == 1
    assert drawn.floors["d"] == 3


def test_an_import_into_a_package_above_is_seen(tmp_path: Path) -> None:
    root = built(
        tmp_path,
        {
            "flows/a.py": "import lamas.x\nimport warehouse\n",
            "warehouse/w.py": "from flows import a\nfrom lamas.x import y\n",
            "lamas/x.py": "def f():\n    import warehouse.w\n",
        },
    )
    assert upstairs(root) == ["warehouse/w.py:1: flows.a", "lamas/x.py:2: warehouse.w"]


@pytest.mark.slow
@pytest.mark.parametrize("package", STAIRCASE)
def test_imports_form_one_staircase(package: str) -> None:
    drawn = plan(package)
    assert drawn.circles == ()
    assert drawn.upward == ()


@pytest.mark.slow
def test_no_package_takes_from_one_above_it() -> None:
    assert upstairs() == []


@pytest.mark.slow
def test_the_script_prints_every_room(capsys: pytest.CaptureFixture[str]) -> None:
    main()
    printed = capsys.readouterr().out
    for package in STAIRCASE:
        drawn = plan(package)
        assert f"{package}: {len(drawn.rooms)} rooms on " in printed
        assert all(room in printed for room in drawn.rooms)
