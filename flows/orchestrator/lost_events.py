"""What the Prefect server is told as it happens, and what becomes of that when it is gone."""

import logging

from prefect.events import Event
from prefect.events.worker import EventsWorker

OF_EVENTS = ("prefect._internal.concurrency", "prefect.events.clients")
"""Loggers of whatever sends events."""


def tell_of_lost_events_once() -> None:
    """From now on pages on events that nobody takes become one sentence."""
    for name in OF_EVENTS:
        logger = logging.getLogger(name)
        if not any(isinstance(item, _Lost) for item in logger.filters):
            logger.addFilter(_Lost())


def give_up_events() -> None:
    """Send none of the events that still wait.

    An event that nobody takes is tried for seconds before the next one's turn comes: at the end of
    a run whose server is gone, hundreds of them would keep the process alive for an hour.
    """
    # There is no other way in: a client of our own, set beforehand, is one to which Prefect's
    # `emit_event` sends nothing at all.
    vars(EventsWorker.instance())["_client"] = _Nobody()


class _Nobody:
    async def emit(self, event: Event) -> None:
        """Drop it."""


class _Lost(logging.Filter):
    told = False

    def filter(self, record: logging.LogRecord) -> bool:
        """True for the first complaint about a lost event, which is put in other words."""
        text = record.getMessage()
        about_events = "EventsWorker" in text or record.name.startswith("prefect.events")
        if record.levelno < logging.WARNING or not about_events:
            return True
        record.msg = (
            "the Prefect server takes no events: the run goes on, what the UI shows of it has gaps"
        )
        record.args, record.exc_info, record.exc_text = (), None, None
        first = not _Lost.told
        _Lost.told = True
        return first
