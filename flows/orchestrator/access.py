"""What opens a home's Prefect server: a string only its user can read, and proof of having it."""

import hashlib
import hmac
import os
import secrets
import uuid
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from lamas.errors import ServerError

FILE = "api_auth_string"
IDENTITY_PATH = "/lamas/identity"
ENTRANCE_PATH = "/lamas/open"


def auth_string(home: Path) -> str:
    """The string that the server of `home` asks for, made on first use with mode 0600.

    Raises ServerError when it can neither be read nor made.
    """
    path = home / FILE
    try:
        if not path.exists():
            _make(path)
        found = path.read_text("ascii").strip()
    except (OSError, ValueError) as error:
        raise ServerError(
            f"the string that opens the Prefect server cannot be kept in {path} ({error}): make "
            "its folder writable, or remove the file"
        ) from None
    if len(found) < 16:
        raise ServerError(
            f"{path} holds {len(found)} characters, a string that opens the Prefect server has 16 "
            "or more: remove the file, and the next command makes another"
        )
    return found


def _make(path: Path) -> None:
    unfinished = path.with_name(f".{FILE}.{uuid.uuid4().hex}")
    try:
        with os.fdopen(
            os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w"
        ) as new:
            new.write(f"{secrets.token_urlsafe(32)}\n")
        # A link, not a rename: of two processes that start at once, both use the first one's.
        with suppress(FileExistsError):
            path.hardlink_to(unfinished)
    finally:
        unfinished.unlink(missing_ok=True)


def proof(secret: str, api_url: str, nonce: str) -> str:
    """What only a server that has `secret` can answer to `nonce`, in hexadecimal digits.

    Ports change hands: whoever listens at an address now is asked for this before it is told the
    string. The address is part of it, so that no other can pass the question on.
    """
    return hmac.new(secret.encode(), f"{api_url} {nonce}".encode(), hashlib.sha256).hexdigest()


def identity_url(api_url: str, nonce: str) -> str:
    """Where the server behind `api_url` proves whose it is."""
    return f"{api_url.removesuffix('/api')}{IDENTITY_PATH}?nonce={nonce}"


def entrance_url(api_url: str, home: Path) -> str:
    """A link that opens the UI and logs the browser in; for the eyes of the user alone."""
    return f"{api_url.removesuffix('/api')}{ENTRANCE_PATH}#{auth_string(home)}"


@contextmanager
def pointed_at(api_url: str, home: Path) -> Generator[None, None, None]:
    """Prefect's client in this process and in its children speaks to the server of `home`."""
    given = {
        "PREFECT_API_URL": api_url,
        "PREFECT_API_AUTH_STRING": auth_string(home),
        "PREFECT_CLIENT_CSRF_SUPPORT_ENABLED": "true",
    }
    before = {name: os.environ.get(name) for name in given}
    os.environ.update(given)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
