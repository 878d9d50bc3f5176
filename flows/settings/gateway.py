"""The section `gateway`: where it listens, how much it takes on, what it remembers how."""

from pathlib import Path

from pydantic import Field, field_validator

from flows.settings.section import Section


class GatewayConfig(Section):
    """What `lamas gateway` does."""

    host: str = Field(default="127.0.0.1", min_length=1)
    """Address to listen on; any but loopback needs keys."""
    port: int = Field(default=8080, ge=0, le=65_535)
    """0 takes a free one, which is printed."""
    keys_file: Path | None = None
    """Lines `NAME TOKEN [requests_per_minute=60] [usd_per_day=5]`."""
    keys_env: str = "LAMAS_GATEWAY_KEYS"
    """Environment variable with such lines, in place of a file."""
    requests_per_minute: float | None = Field(default=None, gt=0)
    """Of a key that does not say; null: any number."""
    usd_per_day: float | None = Field(default=None, gt=0)
    """Of a key that does not say, in a day of UTC; null: any sum."""
    hosts: list[str] = Field(default_factory=list[str])
    """Further names under which it is asked, such as that of a proxy before it."""
    origins: list[str] = Field(default_factory=list[str])
    """Pages of other origins that may ask, as https://example.org."""
    running: int = Field(default=64, ge=1)
    """Requests that run at a time."""
    waiting: int = Field(default=256, ge=0)
    """Requests that wait for their turn; those beyond are answered with 429."""
    timeout_seconds: float = Field(default=300.0, gt=0)
    """From a request's start to its answer."""
    body_bytes: int = Field(default=4 * 2**20, ge=1024)
    body_seconds: float = Field(default=30.0, gt=0)
    """For a body to arrive."""
    keep_alive_seconds: float = Field(default=10.0, gt=0)
    """A stream that has nothing to say sends a comment so often."""
    land_seconds: float = Field(default=5.0, gt=0)
    """How often what was answered lands as Parquet; it is safe in a journal before."""
    champion_seconds: float = Field(default=2.0, gt=0)
    """How often it looks whether another controller was promoted."""

    candidate: str | None = None
    """Checkpoint that is tried beside the champion; `latest`: the one that was weighed last, and
    not promoted."""
    candidate_share: float = Field(default=0.0, ge=0, le=0.5)
    """Share of the requests on which it decides; 0: in shadow, it only says what it would have."""

    @field_validator("origins")
    @classmethod
    def _whole_origins(cls, origins: list[str]) -> list[str]:
        for origin in origins:
            scheme, separator, rest = origin.partition("://")
            if scheme not in ("http", "https") or not separator or not rest or "/" in rest:
                raise ValueError(
                    f"{origin!r} is no origin: write scheme and host, as https://example.org"
                )
        return [origin.lower() for origin in origins]
