"""What people asked a gateway becomes the problems of a run that begins."""

from collections.abc import Callable
from pathlib import Path

from flows.home.intake import served_folder, take_in_served
from flows.run.record import new_run, unfinished_run
from flows.settings import Settings
from flows.wiring.warehouse import open_warehouse
from warehouse.reader import Reader
from warehouse.traffic import export_questions

LEARNING = ("prepare", "retrain", "tabulate")


def renew_questions(stage: str, settings: Settings, say: Callable[[str], None]) -> None:
    """Write the file of a benchmark that gateways fill, with all that has landed by now.

    The caller holds the writer's turn. A run that is gone on with keeps what it began with. Raises
    WarehouseError where nobody has said a right answer yet.
    """
    config = settings.benchmark
    if not config.served or config.path is None or stage not in LEARNING:
        return
    if not settings.warehouse.exists():
        return
    warehouse, path = open_warehouse(settings), Path(config.path)
    begun = settings.resume and unfinished_run(Reader(warehouse), new_run(settings, stage))
    if begun and path.exists():
        return
    take_in_served(warehouse, served_folder(settings.home), say)
    questions = export_questions(warehouse, path)
    say(f"{questions} questions of gateways, to which somebody said the right answer")
