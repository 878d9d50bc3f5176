"""Every error a user can meet, one class for each boundary of the system."""


class LamasError(Exception):
    """One clear sentence: which value, which limit, what to do.

    The `lamas` command prints the message without a traceback and exits with `exit_code`.
    """

    exit_code: int = 1


class ConfigurationError(LamasError):
    """A configured value is unknown, missing or out of range."""

    exit_code = 2


class DomainError(LamasError, ValueError):
    """A record was built from values that contradict each other."""


class BenchmarkError(LamasError):
    """A benchmark's source cannot be read, lacks a column, or changed under a stored split."""


class ModelError(LamasError):
    """A model endpoint could not give a usable answer."""

    attempts: tuple[object, ...] = ()
    """`ModelCall` records of the attempts that led here, first to last; `lamas.llm.attempts_of`
    gives them their type (errors stand below the records)."""


class ModelUnreachableError(ModelError):
    """No answer after every permitted attempt: connection refused, timeout, 429 or 5xx."""


class ModelRequestError(ModelError):
    """The endpoint refused the request (4xx); trying again cannot succeed."""


class CallCancelledError(ModelError):
    """A call was ended because nobody waits for its answer any more."""


class BudgetExceededError(ModelError):
    """The spending cap or the call cap of the run is reached; the run stops cleanly."""


class SandboxError(LamasError):
    """The sandbox itself broke or may not be used here; never the fault of the program in it."""


class OperatorError(LamasError):
    """An operator is unknown, illegal where it stands, or its prompt file cannot be used."""


class ControllerError(LamasError):
    """A controller cannot be built or cannot decide for the given queries."""


class CheckpointError(ControllerError):
    """A checkpoint file is missing, damaged, or belongs to another controller."""


class WarehouseError(LamasError):
    """The warehouse file is missing, locked, read-only, or of another version."""


class UnwritableError(WarehouseError):
    """A file of the home folder cannot be written: no room, no permission, a read-only place."""


def unwritable(path: object, reason: str) -> UnwritableError:
    """The one sentence about it, whichever file meets it first."""
    return UnwritableError(
        f"{path} cannot be written ({reason}): make room or change permissions where it lies, or "
        "choose another folder with home=…"
    )


class GatewayError(LamasError):
    """A request from outside cannot be taken on; `lamas.gateway` answers it with its reason."""


class ServerError(LamasError):
    """A server that the run needs (Prefect, embedded model, simulated endpoint) did not start."""
