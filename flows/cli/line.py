"""What the commands share: overrides on the line, a text among them, the settings they make."""

import argparse
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from conf import FOLDER
from flows.home.place import Place, simple_place
from lamas.errors import ConfigurationError

if TYPE_CHECKING:
    from flows.settings import Settings

OVERRIDE = re.compile(r"[+~]{0,2}[A-Za-z_][\w./@]*(=|$)")
"""What Hydra reads as an override; a question or a query never looks like one."""


@dataclass(frozen=True, kw_only=True)
class Command:
    """One subcommand."""

    name: str
    text: str
    """What it does, for `--help`; begins in lower case, ends without a full stop."""
    add: Callable[[argparse.ArgumentParser], None]
    """Adds its arguments."""
    handle: Callable[[argparse.Namespace], int]
    """Does it; gives the exit code."""


@cache
def groups() -> str:
    """The configuration groups and their options, for `--help`."""
    lines = ["configuration groups (group=option, group.key=value):"]
    for folder in sorted(path for path in FOLDER.iterdir() if path.is_dir()):
        options = sorted(path.stem for path in folder.glob("*.yaml"))
        if options:
            lines.append(f"  {folder.name:<12} {', '.join(options)}")
    return "\n".join(lines)


def add_overrides(
    parser: argparse.ArgumentParser, *, text: str | None = None, text_help: str = ""
) -> None:
    """Hydra overrides, `--cfg`, and a text in quotes where the command takes one."""
    name = f"{text}|OVERRIDE" if text else "OVERRIDE"
    help_text = f"{text_help}; and Hydra overrides" if text else "Hydra override"
    parser.add_argument("overrides", nargs="*", metavar=name, help=help_text)
    parser.add_argument("--cfg", choices=["job"], help="print the resolved configuration and stop")
    parser.set_defaults(takes_text=text is not None, text=None)


def _split_text(options: argparse.Namespace) -> None:
    """Take the question or query out of the overrides, wherever on the line it stands."""
    given: list[str] = options.overrides
    texts = [item for item in given if not OVERRIDE.match(item)]
    if not options.takes_text or not texts:
        return
    if len(texts) > 1:
        raise ConfigurationError(
            f"give one text in quotes, got {len(texts)}: {', '.join(map(repr, texts))}"
        )
    options.text = texts[0]
    options.overrides = [item for item in given if item is not texts[0]]


def settings_of(options: argparse.Namespace) -> "Settings | None":
    """The validated settings; None when they were only to be shown."""
    from flows.settings.compose import as_yaml, load_settings

    _split_text(options)
    settings = load_settings(options.overrides)
    if options.cfg:
        print(as_yaml(settings), end="")
        return None
    return settings


def place_of(options: argparse.Namespace) -> Place | None:
    """Where the warehouse is and which run is meant; None when the settings were only to be shown.

    The whole configuration is read where the line asks for more than that.
    """
    _split_text(options)
    simple = None if options.cfg else simple_place(options.overrides)
    if simple is not None:
        return simple
    settings = settings_of(options)
    if settings is None:
        return None
    return Place(
        home=settings.home,
        warehouse=settings.warehouse,
        warehouse_wait_seconds=settings.warehouse_wait_seconds,
        run=settings.run,
    )
