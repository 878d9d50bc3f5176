"""Scratch folders on disk are measured and removed whatever is in them."""

import os
import pathlib
import shutil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamas.sandbox.scratch import remove_tree, used_bytes

LONG_NAME = "a-folder-with-a-long-name"
NAMES = st.text("ab", min_size=1, max_size=2)


def _nest(top: pathlib.Path, depth: int) -> None:
    here = os.open(top, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir(LONG_NAME, dir_fd=here)
        inner = os.open(LONG_NAME, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(os.open("bottom", os.O_CREAT | os.O_WRONLY, dir_fd=here))
    os.close(here)


@given(paths=st.lists(st.lists(NAMES, min_size=1, max_size=4), max_size=8))
@settings(max_examples=30, deadline=None)
def test_removes_like_the_standard_library(
    tmp_path_factory: pytest.TempPathFactory, paths: list[list[str]]
) -> None:
    top = tmp_path_factory.mktemp("tree")
    for parts in paths:
        place = top.joinpath(*parts)
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text("x")
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            continue
    copy = top.with_name(f"{top.name}-copy")
    shutil.copytree(top, copy)
    remove_tree(str(top))
    shutil.rmtree(copy)
    assert not top.exists()
    assert not copy.exists()


def test_removes_what_is_nested_too_deep_for_a_path(tmp_path: pathlib.Path) -> None:
    top = tmp_path / "deep"
    top.mkdir()
    _nest(top, 300)
    remove_tree(str(top))
    assert not top.exists()


def test_removes_locked_folders_links_and_pipes(tmp_path: pathlib.Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("x")
    top = tmp_path / "top"
    (top / "a" / "b").mkdir(parents=True)
    (top / "a" / "b" / "file").write_text("x")
    (top / "link").symlink_to(outside)
    (top / ".moved-1").mkdir()
    os.mkfifo(top / "a" / "pipe")
    (top / "a" / "b").chmod(0)
    (top / "a").chmod(0)
    remove_tree(str(top))
    assert not top.exists()
    assert (outside / "kept").exists()
    remove_tree(str(tmp_path / "never was"))


def test_counts_blocks_and_entries(tmp_path: pathlib.Path) -> None:
    assert used_bytes(str(tmp_path), 10**9) == 0
    (tmp_path / "file").write_bytes(bytes(100_000))
    (tmp_path / "empty").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").write_bytes(bytes(50_000))
    used = used_bytes(str(tmp_path), 10**9)
    assert 150_000 <= used <= 200_000
    assert used_bytes(str(tmp_path), 1000) > 1000
    assert used_bytes(str(tmp_path / "never was"), 1000) == 0


@pytest.mark.slow
def test_what_is_too_deep_counts_as_too_much(tmp_path: pathlib.Path) -> None:
    _nest(tmp_path, 300)
    assert used_bytes(str(tmp_path), 10**12) > 10**12
    remove_tree(str(tmp_path))
