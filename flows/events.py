"""What the Prefect server is told as it happens, and what becomes of that when it is gone."""

import logging

from prefect.events import Event
from prefect.events.clients import PrefectEventsClient
from prefect.events.worker import EventsWorker

OF_EVENTS = ("prefect._internal.concurrency", "prefect.events.clients")
"""Loggers of whatever sends events."""


class DroppableEvents(PrefectEventsClient):
    """Sends events until they are given up.

    An event that nobody takes is tried for seconds before the next one's turn comes: at the end of
    a run whose server is gone, hundreds of them would keep the process alive for an hour.
    """

    given_up = False

    async def emit(self, event: Event) -> None:
        """Send one event, or drop it."""
        if not DroppableEvents.given_up:
            await super().emit(event)


def send_droppable_events() -> None:
    """From now on events can be given up; pages on lost ones become one sentence."""
    EventsWorker.set_client_override(DroppableEvents)
    for name in OF_EVENTS:
        logger = logging.getLogger(name)
        if not any(isinstance(item, _Lost) for item in logger.filters):
            logger.addFilter(_Lost())


def give_up_events() -> None:
    """Send none of the events that still wait."""
    DroppableEvents.given_up = True


class _Lost(logging.Filter):
    told = False

    def filter(self, record: logging.LogRecord) -> bool:
        """True for the first record on a lost event, which is put in other words."""
        text = record.getMessage()
        if "EventsWorker" not in text and not record.name.startswith("prefect.events"):
            return True
        record.msg = (
            "the Prefect server takes no events: the run goes on, what the UI shows of it has gaps"
        )
        record.args, record.exc_info, record.exc_text = (), None, None
        first = not _Lost.told
        _Lost.told = True
        return first
