"""That nothing but torch is installed by name alone: pins name their files by SHA-256."""

import re

import pytest

from tests.house import ROOT

PIN = re.compile(
    r"[a-z0-9][a-z0-9._-]*==\S+(?: ;[^\\]+)?(?: \\\n {4}--hash=sha256:[0-9a-f]{64})+\n"
)


@pytest.mark.parametrize(
    ("file", "without"),
    [("build.txt", ""), ("constraints.txt", "torch==2.13.0\n"), ("models.txt", "")],
)
def test_a_pin_names_its_files_by_digest(file: str, without: str) -> None:
    text = re.sub(r"^#.*\n", "", (ROOT / file).read_text(), flags=re.MULTILINE)
    assert len(PIN.findall(text)) > 0
    assert PIN.sub("", text) == without, "pinned exactly, each with the SHA-256 of its files"


def test_make_installs_by_digest() -> None:
    lines = (ROOT / "Makefile").read_text().splitlines()
    installs = [line for line in lines if line.startswith("\t$(PIP)")]
    # What torch's own build needs beyond the list comes with the project itself, in the last one.
    torch, build, others, project = installs
    assert "'^torch==' constraints.txt" in torch
    assert project.endswith("--editable '.[dev]'")
    for line in (build, others):
        assert "--require-hashes --no-deps" in line
