"""`lamas champion show|promote|rollback`: which controller is deployed, why, and changing it."""

import argparse
import asyncio
import sys

from flows.cli.line import OVERRIDE, Command, add_overrides, settings_of
from flows.settings import Settings
from lamas.errors import ConfigurationError

ACTIONS = ("show", "promote", "rollback")


def _add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=ACTIONS, help="what to do")
    add_overrides(parser)
    parser.add_argument("--reason", help="why, in a sentence; stored as the decision's evidence")


def _handle(options: argparse.Namespace) -> int:
    given: list[str] = options.overrides
    names = [item for item in given if not OVERRIDE.match(item)]
    options.overrides = [item for item in given if OVERRIDE.match(item)]
    settings = settings_of(options)
    if settings is None:
        return 0
    reason = _reason(options.reason)
    match options.action:
        case "promote":
            if len(names) != 1:
                raise ConfigurationError(
                    f"name one checkpoint to promote, got {len(names)}: "
                    "lamas champion promote CHECKPOINT --reason '…'; "
                    "`lamas sql 'FROM checkpoints'` lists them"
                )
            asyncio.run(_promote(settings, names[0], reason))
        case _:
            if names:
                raise ConfigurationError(
                    f"lamas champion {options.action} takes no name, got {names[0]!r}; "
                    "only promote does"
                )
            if options.action == "rollback":
                asyncio.run(_rollback(settings, reason))
            else:
                _show(settings)
    return 0


def _reason(given: str | None) -> str | None:
    return given.strip() or None if given is not None else None


async def _promote(settings: Settings, checkpoint_id: str, reason: str | None) -> None:
    if reason is None:
        raise ConfigurationError(
            "a promotion by hand needs a reason, which is stored with it: --reason '…'"
        )
    from flows.champion.by_hand import promote_by_hand

    print(await promote_by_hand(settings, checkpoint_id, reason, _say))


async def _rollback(settings: Settings, reason: str | None) -> None:
    from flows.champion.by_hand import roll_back

    print(await roll_back(settings, reason, _say))


def _show(settings: Settings) -> None:
    from flows.champion.by_hand import description
    from flows.wiring.parts import open_warehouse

    print(description(open_warehouse(settings)))


def _say(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)


COMMAND = Command(
    name="champion",
    text="show the deployed controller, promote another by hand, or roll back",
    add=_add,
    handle=_handle,
)
