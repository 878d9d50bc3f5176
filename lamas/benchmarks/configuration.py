"""How plain configuration values become benchmark settings."""

from collections.abc import Mapping

from pydantic import TypeAdapter, ValidationError

from lamas.benchmarks.benchmark import BenchmarkSettings
from lamas.errors import BenchmarkError


def settings_from(values: Mapping[str, object]) -> BenchmarkSettings:
    """Settings from a resolved configuration group; nested groups are plain mappings too.

    Raises BenchmarkError naming the first setting that is unknown, missing or of a wrong type.
    """
    try:
        return TypeAdapter(BenchmarkSettings).validate_python(dict(values))
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise BenchmarkError(
            f"benchmark setting {name!r} is {first.get('input')!r}: {first['msg']}"
        ) from error
