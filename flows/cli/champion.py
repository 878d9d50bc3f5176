"""`lamas champion show|promote|rollback`: which controller is deployed, why, and changing it."""

import argparse
import sys
from typing import TYPE_CHECKING

from flows.cli.line import OVERRIDE, Command, add_overrides, place_of, settings_of
from lamas.errors import ConfigurationError

if TYPE_CHECKING:
    from flows.home.place import Place
    from flows.settings import Settings

ACTIONS = ("show", "promote", "rollback")


def _add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=ACTIONS, help="what to do")
    add_overrides(parser)
    parser.add_argument("--reason", help="why, in a sentence; stored as the decision's evidence")
    parser.add_argument(
        "--tag", help="promote: as the champion that a gateway asks as lamas:TAG, beside the other"
    )


def _handle(options: argparse.Namespace) -> int:
    given: list[str] = options.overrides
    names = [item for item in given if not OVERRIDE.match(item)]
    options.overrides = [item for item in given if OVERRIDE.match(item)]
    tag: str | None = options.tag
    if tag is not None and options.action != "promote":
        raise ConfigurationError(
            f"lamas champion {options.action} takes no --tag: promote another checkpoint for it"
        )
    if options.action == "show":
        _refuse_name("show", names)
        place = place_of(options)
        if place is not None:
            _show(place)
        return 0
    settings = settings_of(options)
    if settings is None:
        return 0
    import asyncio

    reason = _reason(options.reason)
    if options.action == "promote":
        if len(names) != 1:
            raise ConfigurationError(
                f"name one checkpoint to promote, got {len(names)}: "
                "lamas champion promote CHECKPOINT --reason '…'; "
                "`lamas sql 'FROM checkpoints'` lists them"
            )
        asyncio.run(_promote(settings, names[0], reason, tag))
    else:
        _refuse_name("rollback", names)
        asyncio.run(_rollback(settings, reason))
    return 0


def _refuse_name(action: str, names: list[str]) -> None:
    if names:
        raise ConfigurationError(
            f"lamas champion {action} takes no name, got {names[0]!r}; only promote does"
        )


def _reason(given: str | None) -> str | None:
    return given.strip() or None if given is not None else None


async def _promote(
    settings: "Settings", checkpoint_id: str, reason: str | None, tag: str | None
) -> None:
    if reason is None:
        raise ConfigurationError(
            "a promotion by hand needs a reason, which is stored with it: --reason '…'"
        )
    from flows.champion.by_hand import promote_by_hand, promote_tagged

    if tag is not None:
        print(await promote_tagged(settings, checkpoint_id, tag, reason, _say))
        return
    print(await promote_by_hand(settings, checkpoint_id, reason, _say))


async def _rollback(settings: "Settings", reason: str | None) -> None:
    from flows.champion.by_hand import roll_back

    print(await roll_back(settings, reason, _say))


def _show(place: "Place") -> None:
    from flows.champion.description import description
    from flows.wiring.warehouse import open_warehouse

    print(description(open_warehouse(place)))


def _say(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)


COMMAND = Command(
    name="champion",
    text="show the deployed controller, promote another by hand, or roll back",
    add=_add,
    handle=_handle,
)
