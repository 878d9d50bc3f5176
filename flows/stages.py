"""The flows by the name of their command."""

from collections.abc import Awaitable, Callable

from flows.collect import collect
from flows.compare import compare, sweep
from flows.credit import credit
from flows.evaluate import evaluate
from flows.prepare import prepare
from flows.retrain import retrain
from flows.update import update

FLOWS: dict[str, Callable[[list[str]], Awaitable[object]]] = {
    "prepare": prepare,
    "collect": collect,
    "credit": credit,
    "update": update,
    "evaluate": evaluate,
    "retrain": retrain,
    "compare": compare,
    "sweep": sweep,
}
