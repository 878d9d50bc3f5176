"""Who may speak to a home's real server: its user's programs and its own page, nobody else."""

import json
import os
import socket
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from flows.orchestrator.access import FILE, auth_string, entrance_url, identity_url, proof
from tests.prefect_client import OWN, basic, client

EVIL = {"origin": "https://evil.example"}
TEXT = {"content-type": "text/plain"}
NOTHING = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
def right(prefect_api: str) -> dict[str, str]:
    """What the user's own client sends."""
    names = ("authorization", "prefect-csrf-token", "prefect-csrf-client")
    sent = {name: client(prefect_api).headers[name] for name in names}
    return sent | {"content-type": "application/json"}


def asked(
    address: str, method: str, path: str, headers: dict[str, str], body: object = None
) -> int:
    """The status of an answer; nothing is sent but what is given."""
    content = None if body is None else json.dumps(body)
    with httpx.Client(verify=False) as bare:
        answer = bare.request(method, f"{address}{path}", headers=headers, content=content)
    return answer.status_code


Attack = tuple[str, str, dict[str, object] | None]
ATTACKS: list[Attack] = [
    ("GET", "/admin/settings", None),
    ("GET", "/admin/version", None),
    ("GET", "/csrf-token?client=me", None),
    ("POST", "/deployments/filter", {}),
    ("POST", "/flow_runs/filter", {}),
    ("PATCH", f"/deployments/{NOTHING}", {"pull_steps": []}),
    ("POST", f"/deployments/{NOTHING}/create_flow_run", {}),
    ("DELETE", f"/deployments/{NOTHING}", None),
    ("POST", "/admin/database/clear", {"confirm": True}),
]


@pytest.mark.parametrize(("method", "path", "body"), ATTACKS)
def test_without_the_string_nothing_is_answered(
    prefect_api: str, right: dict[str, str], method: str, path: str, body: object
) -> None:
    for headers in ({}, TEXT, EVIL, EVIL | TEXT, {"authorization": basic("guessed")}):
        assert asked(prefect_api, method, path, headers, body) in (401, 403), headers
    # Not even with a token for writing, were one to be had.
    stringless = {name: value for name, value in right.items() if name != "authorization"}
    assert asked(prefect_api, method, path, stringless, body) == 401


@pytest.mark.parametrize(("method", "path", "body"), ATTACKS)
def test_another_page_is_refused_although_it_has_the_string(
    prefect_api: str, right: dict[str, str], method: str, path: str, body: object
) -> None:
    port = urlsplit(prefect_api).port
    for origin in ("https://evil.example", "null", f"http://localhost:{port}", "http://127.0.0.1"):
        assert asked(prefect_api, method, path, right | {"origin": origin}, body) == 403
    for site in ("cross-site", "same-site"):
        assert asked(prefect_api, method, path, right | {"sec-fetch-site": site}, body) == 403
    preflight = EVIL | {"access-control-request-method": method}
    assert asked(prefect_api, "OPTIONS", path, preflight) == 403


@pytest.mark.parametrize("host", ["evil.example", "evil.example:4200", "localhost", "", "[::1]"])
def test_a_name_that_was_made_to_mean_this_machine_is_refused(
    prefect_api: str, right: dict[str, str], host: str
) -> None:
    for path in ("/admin/version", "/health", "/csrf-token?client=me"):
        assert asked(prefect_api, "GET", path, right | {"host": host}) == 400
    page = prefect_api.removesuffix("/api")
    assert asked(page, "GET", "/", {"host": host}) == 400


def test_writing_takes_a_token_besides_the_string(prefect_api: str, right: dict[str, str]) -> None:
    assert asked(prefect_api, "POST", "/flow_runs/filter", right, {}) == 200
    for name in ("prefect-csrf-token", "prefect-csrf-client"):
        part = {key: value for key, value in right.items() if key != name}
        assert asked(prefect_api, "POST", "/flow_runs/filter", part, {}) == 403


@pytest.mark.parametrize(
    "kind", ["text/plain", "text/plain; application/json", "multipart/form-data", "text/json", ""]
)
def test_a_body_of_a_kind_that_any_form_sends_is_refused(
    prefect_api: str, right: dict[str, str], kind: str
) -> None:
    assert (
        asked(prefect_api, "POST", "/flow_runs/filter", {**right, "content-type": kind}, {}) == 403
    )
    json_text = {"content-type": "application/json; charset=utf-8"}
    assert asked(prefect_api, "POST", "/flow_runs/filter", right | json_text, {}) == 200


def test_the_own_page_is_let_through(prefect_api: str, right: dict[str, str]) -> None:
    page = prefect_api.removesuffix("/api")
    own = {"origin": page, "sec-fetch-site": "same-origin"}
    assert asked(prefect_api, "POST", "/flow_runs/filter", right | own, {}) == 200
    followed = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert asked(page, "GET", "/", followed | {"sec-fetch-dest": "document"}) in (200, 307)
    assert asked(page, "GET", "/", followed | {"sec-fetch-dest": "iframe"}) == 403


@pytest.mark.parametrize("path", ["/api/events/in", "/api/events/out", "/api/logs/out"])
@pytest.mark.parametrize(
    "header", [("Origin", "https://evil.example"), ("Host", "evil.example")], ids=["origin", "host"]
)
def test_another_pages_sockets_are_refused(
    prefect_api: str, path: str, header: tuple[str, str]
) -> None:
    address = urlsplit(prefect_api)
    lines = {
        "Host": address.netloc,
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Protocol": "prefect",
        header[0]: header[1],
    }
    with socket.create_connection((str(address.hostname), int(address.port or 0)), 10) as raw:
        sent = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        raw.sendall(f"GET {path} HTTP/1.1\r\n{sent}\r\n".encode())
        status = raw.recv(64).split()[1]
    assert status in (b"403", b"400")


def test_a_server_proves_whose_it_is_and_tells_no_string(prefect_api: str) -> None:
    with httpx.Client(verify=False) as bare:
        answer = bare.get(identity_url(prefect_api, "0123")).text
        assert answer == proof(os.environ[OWN], prefect_api, "0123")
        assert os.environ[OWN] not in answer
        assert bare.get(identity_url(prefect_api, "a b")).status_code == 400
        assert bare.get(identity_url(prefect_api, "0" * 1000)).status_code == 400


def test_the_entrance_logs_in_what_the_address_says_behind_its_hash(
    prefect_api: str, tmp_path: Path
) -> None:
    link = entrance_url(prefect_api, tmp_path)
    with httpx.Client(verify=False) as bare:
        page = bare.get(link).text
    assert link.endswith(f"#{auth_string(tmp_path)}")
    assert "prefect-password" in page
    assert auth_string(tmp_path) not in page


@pytest.mark.slow
def test_a_homes_string_is_its_own_stays_and_is_for_its_user_alone(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    assert auth_string(first) == auth_string(first) != auth_string(second)
    assert (first / FILE).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in first.iterdir()] == [FILE]
