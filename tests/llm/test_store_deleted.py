"""A response store whose file is deleted in the middle of a run: nothing paid for is lost."""

import logging
import shutil
from pathlib import Path

import pytest

from lamas.errors import UnwritableError
from lamas.llm import ResponseStore
from tests.factories import make_call

pytestmark = pytest.mark.attack


def emptied(folder: Path) -> None:
    for item in folder.glob("responses.sqlite*"):
        item.unlink()


def without_its_log(folder: Path) -> None:
    (folder / "responses.sqlite").unlink()


@pytest.mark.parametrize("delete", [emptied, without_its_log])
def test_what_was_paid_before_and_after_is_there_for_the_next_run(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, delete: object
) -> None:
    assert callable(delete)
    path = tmp_path / "responses.sqlite"
    with ResponseStore(path, run_id="run") as store:
        for number in range(20):
            store.put(f"before-{number}", (make_call(10),))
        delete(tmp_path)
        with caplog.at_level(logging.WARNING):
            store.put("after", (make_call(10),))
        assert "was deleted while a run used it" in caplog.text
        assert store.get("before-3") is not None
        store.put("last", (make_call(10),))
        assert store.paid()[0] == 22
    with ResponseStore(path, run_id="run") as again:
        assert again.count() == 22
        assert again.get("before-19") == again.get("last")
    assert [item.name for item in tmp_path.iterdir()] == ["responses.sqlite"]


def test_twice_and_beside_another_that_uses_it(tmp_path: Path) -> None:
    path = tmp_path / "responses.sqlite"
    with ResponseStore(path, run_id="one") as one, ResponseStore(path, run_id="two") as two:
        for round_ in range(2):
            one.put(f"one-{round_}", (make_call(10),))
            two.put(f"two-{round_}", (make_call(10),))
            emptied(tmp_path)
        one.put("one-last", (make_call(10),))
        two.put("two-last", (make_call(10),))
    with ResponseStore(path) as again:
        keys = [f"{who}-{what}" for who in ("one", "two") for what in (0, 1, "last")]
        assert [key for key in keys if again.get(key) is None] == []
    assert [item.name for item in tmp_path.iterdir()] == ["responses.sqlite"]


def test_with_its_folder_gone_it_is_a_sentence(tmp_path: Path) -> None:
    folder = tmp_path / "home"
    with ResponseStore(folder / "responses.sqlite", run_id="run") as store:
        store.put("before", (make_call(10),))
        shutil.rmtree(folder)
        with pytest.raises(UnwritableError, match=r"responses\.sqlite cannot be written"):
            store.put("after", (make_call(10),))


@pytest.mark.parametrize("delete", [emptied, without_its_log])
def test_after_the_last_answer_it_is_put_back_at_the_end(tmp_path: Path, delete: object) -> None:
    assert callable(delete)
    path = tmp_path / "responses.sqlite"
    with ResponseStore(path, run_id="run") as store:
        store.put("paid", (make_call(10),))
        delete(tmp_path)
    with ResponseStore(path, run_id="run") as again:
        assert again.get("paid") is not None
    assert [item.name for item in tmp_path.iterdir()] == ["responses.sqlite"]


def test_at_the_end_a_folder_that_is_gone_is_said_and_ends_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "home"
    with ResponseStore(folder / "responses.sqlite", run_id="run") as store:
        store.put("paid", (make_call(10),))
        shutil.rmtree(folder)
    assert "cannot be put back" in caplog.text
