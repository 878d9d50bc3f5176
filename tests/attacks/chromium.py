"""A headless Chromium that is told where to go, and asked what it sees there."""

import base64
import itertools
import json
import shutil
import subprocess
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import cast
from urllib.parse import quote

import httpx
from websockets.sync.client import connect
from websockets.sync.connection import Connection

from tests.patience import until

NAMES = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = (
    "--headless",
    # As root it starts no other way; the pages are our own.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-popup-blocking",
    "--window-size=1400,900",
    # What a newer browser would ask its user about first: here nothing stands before the server.
    "--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests",
)


def installed() -> str | None:
    """The path of a Chromium of this machine."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Page:
    """One tab."""

    def __init__(self, socket: Connection) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)

    def _ask(self, method: str, **given: object) -> dict[str, object]:
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": given}))
        while True:
            told = cast("dict[str, object]", json.loads(self._socket.recv(timeout=60)))
            if told.get("id") == number:
                return cast("dict[str, object]", told.get("result", {}))

    def go(self, url: str) -> None:
        """Leave for `url`."""
        self._ask("Page.navigate", url=url)

    def value(self, expression: str) -> object:
        """What JavaScript says of the page; None while there is none."""
        found = self._ask("Runtime.evaluate", expression=expression, returnByValue=True)
        return cast("dict[str, object]", found.get("result", {})).get("value")

    def text(self) -> str:
        """What can be read on it."""
        return str(self.value("document.body ? document.body.innerText : ''") or "")

    def picture(self, path: Path) -> None:
        """Save what it looks like as PNG."""
        shot = self._ask("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(str(shot["data"])))


@contextmanager
def chromium(program: str, options: Sequence[str] = ()) -> Generator["Browser", None, None]:
    """A browser with a profile of its own, ended with the block."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(
            [
                *(program, *OPTIONS, *options),
                *(f"--user-data-dir={profile}", "--remote-debugging-port=0", "about:blank"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            told = Path(profile, "DevToolsActivePort")
            until(lambda: told.exists() and len(told.read_text().splitlines()) == 2)
            yield Browser(int(told.read_text().splitlines()[0]))
        finally:
            process.terminate()
            process.wait()


class Browser:
    """Opens tabs."""

    def __init__(self, port: int) -> None:
        self._address = f"http://127.0.0.1:{port}"

    @contextmanager
    def page(self, url: str) -> Generator[Page, None, None]:
        """A new tab at `url`."""
        with httpx.Client(verify=False, timeout=60, trust_env=False) as asking:
            made = asking.put(f"{self._address}/json/new?{quote(url, safe='')}").json()
        with connect(str(made["webSocketDebuggerUrl"]), max_size=1 << 26, proxy=None) as socket:
            yield Page(socket)
