"""Where a gateway may listen, whose keys it takes, and under which names it is asked."""

from pathlib import Path

import pytest

from flows.gateway.access import bounds_of, keys_from
from flows.settings.gateway import GatewayConfig
from lamas.errors import ConfigurationError
from lamas.gateway.guard import host_of

TOKEN = "a-token-of-length-24-abc"


def keys_file(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "keys.txt"
    path.write_text(text)
    path.chmod(mode)
    return path


def test_without_keys_only_this_machine_may_ask() -> None:
    assert not keys_from(GatewayConfig(host="127.0.0.1"))
    assert not keys_from(GatewayConfig(host="::1"))
    for host in ("0.0.0.0", "192.168.1.7", "example.org"):
        with pytest.raises(ConfigurationError, match="there are no keys"):
            keys_from(GatewayConfig(host=host))


def test_keys_come_from_a_file_and_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAMAS_GATEWAY_KEYS", f"bob {TOKEN}-bob,eve {TOKEN}-eve usd_per_day=1")
    path = keys_file(tmp_path, f"alice {TOKEN}\n")
    keys = keys_from(GatewayConfig(host="0.0.0.0", keys_file=path, requests_per_minute=5))
    assert [client.name for client in keys.clients] == ["alice", "bob", "eve"]
    assert keys.client(f"Bearer {TOKEN}-eve").usd_per_day == 1.0
    assert keys.client(f"Bearer {TOKEN}").requests_per_minute == 5.0
    monkeypatch.setenv("LAMAS_GATEWAY_KEYS", f"alice {TOKEN}-2")
    with pytest.raises(ConfigurationError, match="keep one"):
        keys_from(GatewayConfig(keys_file=path))


@pytest.mark.parametrize(
    ("text", "mode", "fault"),
    [
        (f"alice {TOKEN}", 0o640, "can be read by others"),
        ("# nobody\n", 0o600, "holds no key"),
        ("alice", 0o600, "NAME and TOKEN"),
    ],
)
def test_a_keys_file_that_cannot_be_used_is_refused(
    text: str, mode: int, fault: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match=fault):
        keys_from(GatewayConfig(keys_file=keys_file(tmp_path, text, mode)))
    with pytest.raises(ConfigurationError, match="cannot be read"):
        keys_from(GatewayConfig(keys_file=tmp_path / "nowhere"))


def test_it_is_asked_under_its_own_names() -> None:
    local = bounds_of(GatewayConfig(hosts=["Lamas.example.org"]))
    assert {"127.0.0.1", "localhost", "::1", "lamas.example.org"} <= set(local.hosts)
    assert set(bounds_of(GatewayConfig(host="10.0.0.1")).hosts) == {"10.0.0.1"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("header", "host"),
    [
        ("127.0.0.1:8080", "127.0.0.1"),
        ("LocalHost", "localhost"),
        ("[::1]:8080", "::1"),
        ("a@localhost", None),
        ("localhost:80:80", None),
        ("localhost:x", None),
        ("[::1", None),
        ("[[::1]]", None),
        ("localhost/", None),
        ("", None),
    ],
)
def test_a_host_header_is_a_name_or_nothing(header: str, host: str | None) -> None:
    assert host_of(header) == host
