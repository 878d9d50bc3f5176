"""Something opened once: by whom, how often, and what a failure leaves."""

import asyncio

import pytest

from lamas.domain.once import Once


async def test_all_who_ask_at_once_get_the_same_one() -> None:
    opened: list[object] = []

    async def opening() -> object:
        await asyncio.sleep(0)
        opened.append(object())
        return opened[-1]

    once = Once(opening)
    got = await asyncio.gather(*(once.get() for _ in range(20)))
    assert len(opened) == 1
    assert all(item is opened[0] for item in got)


async def test_what_opens_to_none_is_opened_once_too() -> None:
    times: list[int] = []

    async def opening() -> None:
        times.append(1)

    once = Once(opening)
    await once.get()
    await once.get()
    assert times == [1]


@pytest.mark.slow
async def test_a_failed_opening_is_tried_again() -> None:
    tries: list[int] = []

    async def opening() -> str:
        tries.append(1)
        if len(tries) == 1:
            raise OSError("not yet")
        return "open"

    once = Once(opening)
    with pytest.raises(OSError, match="not yet"):
        await once.get()
    assert [await once.get(), await once.get()] == ["open", "open"]
    assert len(tries) == 2
