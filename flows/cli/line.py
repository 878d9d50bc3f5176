"""What the commands share: overrides on the line, a text among them, the settings they make."""

import argparse
import re
from collections.abc import Callable
from dataclasses import dataclass

from flows.settings import Settings
from flows.settings.compose import CONFIG_FOLDER, load_settings
from lamas.errors import ConfigurationError

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


def groups() -> str:
    """The configuration groups and their options, for `--help`."""
    lines = ["configuration groups (group=option, group.key=value):"]
    for folder in sorted(path for path in CONFIG_FOLDER.iterdir() if path.is_dir()):
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


def settings_of(options: argparse.Namespace) -> Settings | None:
    """The validated settings; None when they were only to be shown."""
    _split_text(options)
    settings = load_settings(options.overrides)
    if options.cfg:
        from omegaconf import OmegaConf

        print(OmegaConf.to_yaml(settings.model_dump(mode="json")), end="")
        return None
    return settings
