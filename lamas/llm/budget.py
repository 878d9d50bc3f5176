"""How much a run may spend, and what it has spent so far."""

import asyncio
from dataclasses import dataclass
from types import TracebackType

from lamas.errors import BudgetExceededError, ConfigurationError

_ROUNDING_USD = 1e-12


@dataclass(frozen=True, kw_only=True, slots=True)
class Budget:
    """Caps of one run; None is no cap. A retry is no further call, but what it costs counts."""

    max_usd: float | None = None
    max_calls: int | None = None
    spent_usd: float = 0.0
    """What earlier parts of the same run already paid."""
    made_calls: int = 0
    """Calls that earlier parts of the same run already made."""

    def __post_init__(self) -> None:
        for name, value in (
            ("max_usd", self.max_usd),
            ("max_calls", self.max_calls),
            ("spent_usd", self.spent_usd),
            ("made_calls", self.made_calls),
        ):
            if value is not None and not 0 <= value < float("inf"):
                raise ConfigurationError(f"llm.{name}={value} must be ≥ 0, or null for no cap")


class Reservation:
    """Money set aside for one attempt; leaving the block gives back what was not settled."""

    def __init__(self, ledger: "Ledger", usd: float, *, new_call: bool) -> None:
        self._ledger = ledger
        self._usd = usd
        self._new_call = new_call
        self._paid_usd = 0.0
        self._sent = False

    def sent(self) -> None:
        """The request goes out now: the call counts from here on."""
        self._sent = True

    def pay(self, usd: float) -> None:
        """What the attempt cost in the end."""
        self._paid_usd = usd

    def __enter__(self) -> "Reservation":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ledger.close(
            self._usd, self._paid_usd, unmade_calls=int(self._new_call and not self._sent)
        )


class Ledger:
    """Spending of one run under one budget, for one event loop.

    Before an attempt its highest possible cost is set aside, so that attempts in flight together
    cannot overrun the cap. An attempt that fits only once others have cost less than was set aside
    for them waits for those; one that could not fit even then is refused.
    """

    def __init__(self, budget: Budget, *, section: str = "llm") -> None:
        """`section` is where the caps stand in the configuration."""
        self.budget = budget
        self._section = section
        self.spent_usd = budget.spent_usd
        """USD paid for finished attempts."""
        self.made_calls = budget.made_calls
        """Calls sent, however many attempts they took."""
        self._reserved_usd = 0.0
        self._open = 0
        self._waiting: list[asyncio.Future[None]] = []

    async def reserve(self, usd: float, *, new_call: bool) -> Reservation:
        """Set `usd` aside; `new_call` is False for a retry. Raises BudgetExceededError."""
        cap = self.budget.max_usd
        while True:
            if new_call:
                self._check_calls()
            if cap is None or self.spent_usd + self._reserved_usd + usd <= cap + _ROUNDING_USD:
                break
            if not self._open or self.spent_usd + usd > cap + _ROUNDING_USD:
                raise BudgetExceededError(
                    f"the spending cap {self._section}.max_usd={cap:g} is reached: "
                    f"{self.spent_usd:.6f} USD spent in {self.made_calls} calls, the next may cost "
                    f"{usd:.6f} USD; raise {self._section}.max_usd and start the same command "
                    "again to go on"
                )
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(waiter)
            await waiter
        self._reserved_usd += usd
        self._open += 1
        self.made_calls += new_call
        return Reservation(self, usd, new_call=new_call)

    def close(self, reserved_usd: float, paid_usd: float, *, unmade_calls: int) -> None:
        """End a reservation (called by it)."""
        self._open -= 1
        # Sums of floats drift; with nothing open the amount set aside is exactly nothing.
        self._reserved_usd = max(0.0, self._reserved_usd - reserved_usd) if self._open else 0.0
        self.spent_usd += paid_usd
        self.made_calls -= unmade_calls
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            if not waiter.done():
                waiter.set_result(None)

    def _check_calls(self) -> None:
        cap = self.budget.max_calls
        if cap is not None and self.made_calls >= cap:
            raise BudgetExceededError(
                f"the call cap {self._section}.max_calls={cap} is reached "
                f"({self.spent_usd:.6f} USD spent); raise {self._section}.max_calls and start the "
                "same command again to go on"
            )
