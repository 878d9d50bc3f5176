"""A Prefect API asked with plain HTTP, by one who may: the tests' own client."""

import base64
import os
import uuid
from functools import cache
from pathlib import Path

import httpx

from flows.orchestrator.access import FILE

OWN = "PREFECT_API_AUTH_STRING"


def opened_by_all(home: Path) -> Path:
    """A folder whose server the whole session may ask: this process, and what it starts."""
    home.mkdir(parents=True, exist_ok=True)
    (home / FILE).write_text(os.environ[OWN])
    return home


def basic(secret: str) -> str:
    """The header that opens a server."""
    return f"Basic {base64.b64encode(secret.encode()).decode()}"


@cache
def client(api_url: str, secret: str | None = None) -> httpx.Client:
    """Sends the string (the session's if none is given) and the token that writing takes."""
    headers = {"Authorization": basic(secret or os.environ[OWN])}
    asking = httpx.Client(base_url=f"{api_url}/", headers=headers, timeout=30, verify=False)
    name = uuid.uuid4().hex
    token = asking.get("csrf-token", params={"client": name}).raise_for_status().json()["token"]
    asking.headers.update({"Prefect-Csrf-Token": str(token), "Prefect-Csrf-Client": name})
    return asking
