"""How a person changes the deployed controller, against the rule or before it."""

from collections.abc import Callable

from flows.home.lock import writer_turn
from flows.settings import Settings
from flows.wiring.warehouse import open_warehouse
from lamas.domain.served import is_tag
from lamas.errors import ConfigurationError, WarehouseError
from warehouse import Registry


async def promote_by_hand(
    settings: Settings, checkpoint_id: str, reason: str, say: Callable[[str], None]
) -> str:
    """Make a checkpoint champion whatever the rule says; a sentence about it.

    Raises WarehouseError for an unknown checkpoint, one that is champion already, or a home folder
    that another run writes to.
    """
    async with writer_turn(settings.home, settings.overlap, say):
        registry = Registry(open_warehouse(settings))
        before = registry.champion()
        registry.checkpoint(checkpoint_id)
        if before is not None and before.checkpoint_id == checkpoint_id:
            raise WarehouseError(f"{checkpoint_id} is the champion already: nothing was changed")
        registry.promote(checkpoint_id, evidence={"rule": "by hand", "reason": reason})
    replaced = "" if before is None else f"; {before.checkpoint_id} is retired"
    return f"{checkpoint_id} is champion{replaced}"


async def promote_tagged(
    settings: Settings, checkpoint_id: str, tag: str, reason: str, say: Callable[[str], None]
) -> str:
    """Let a checkpoint decide under a tag, beside the champion; a sentence about it.

    Raises WarehouseError as `promote_by_hand` does, ConfigurationError for what is no tag.
    """
    if not is_tag(tag):
        raise ConfigurationError(
            f"--tag {tag[:80]!r} is no tag: take up to 64 small letters, digits, '.', '_' and '-'"
        )
    async with writer_turn(settings.home, settings.overlap, say):
        registry = Registry(open_warehouse(settings))
        before = registry.tagged().get(tag)
        if before is not None and before.checkpoint_id == checkpoint_id:
            raise WarehouseError(f"{checkpoint_id} has the tag {tag} already: nothing was changed")
        registry.tag(checkpoint_id, tag, reason=reason)
    replaced = "" if before is None else f" in place of {before.checkpoint_id}"
    return f"{checkpoint_id} decides under the tag {tag}{replaced}"


async def roll_back(settings: Settings, reason: str | None, say: Callable[[str], None]) -> str:
    """Return to the champion before the present one; a sentence about it.

    Raises WarehouseError when there is none, or when another run writes to the home folder.
    """
    async with writer_turn(settings.home, settings.overlap, say):
        registry = Registry(open_warehouse(settings))
        before = registry.champion()
        evidence = {"rule": "by hand"} | ({} if reason is None else {"reason": reason})
        after = registry.rollback(evidence=evidence)
    assert before is not None, "a rollback without a champion is an error"
    return f"{after.checkpoint_id} is champion again; {before.checkpoint_id} is retired"
