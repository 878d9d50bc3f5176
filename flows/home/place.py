"""Where the things of a home lie, for commands that ask nothing else of the configuration."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from conf import FOLDER

_PATH = re.compile(r"[A-Za-z_./][\w./-]*")
_NAME = re.compile(r"[A-Za-z_][\w-]*")
_SECONDS = re.compile(r"\d{1,6}(\.\d{1,6})?")
_SIMPLE = {"home": _PATH, "warehouse": _PATH, "warehouse_wait_seconds": _SECONDS, "run": _NAME}
_WORDS = frozenset({"null", "true", "false", "yes", "no", "on", "off", "nan", "inf"})
"""What YAML or Hydra reads as something else than a text, in any case."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """The part of the settings that says where the warehouse is and which run is meant."""

    home: Path
    warehouse: Path
    warehouse_wait_seconds: float
    run: str | None


def simple_place(overrides: Sequence[str]) -> Place | None:
    """What `overrides` say when all of them are plain values of the four keys, else None.

    Hydra, twenty-five files and thirty models of pydantic take longer than most queries: this is
    the way around them. Whatever is not plain takes the whole way, and is refused there in the same
    words as ever.
    """
    given: dict[str, str] = {}
    for item in overrides:
        key, separator, value = item.partition("=")
        pattern = _SIMPLE.get(key)
        if not separator or pattern is None or key in given:
            return None
        if not pattern.fullmatch(value) or value.lower().lstrip(".") in _WORDS:
            return None
        given[key] = value
    import yaml

    defaults = cast("dict[str, object]", yaml.safe_load((FOLDER / "lamas.yaml").read_text()))
    home = given.get("home", str(defaults["home"]))
    return Place(
        home=Path(home),
        warehouse=Path(given.get("warehouse", str(defaults["warehouse"]).replace("${home}", home))),
        warehouse_wait_seconds=float(
            given.get("warehouse_wait_seconds", str(defaults["warehouse_wait_seconds"]))
        ),
        run=given.get("run"),
    )
