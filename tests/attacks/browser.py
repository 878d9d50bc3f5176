"""`python -m tests.attacks.browser`: hostile pages in Chromium against `lamas serve` and models.

Logs a browser in by the link that `lamas serve` prints, saves a picture of it, and then opens pages
of other origins in the same browser: another site, another port of this machine, and a name made to
mean this machine. What a page could read, and what came of what it sent, is printed; the
same page reads a server that lets everybody in, so that it is known to work. Without Chromium
(Debian: `apt-get install chromium`) it says so and does nothing.
"""

import argparse
import asyncio
import json
import os
import pty
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast
from urllib.parse import quote

import httpx

from flows.orchestrator.access import auth_string
from flows.orchestrator.server import free_port
from lamas.llm import EmbeddedServer, EmbeddedSettings
from lamas.llm.simulated import SimulatedServer
from tests.attacks.chromium import Browser, Page, chromium, installed
from tests.attacks.elsewhere import Elsewhere, elsewhere
from tests.patience import until
from tests.prefect_client import client

DEPLOYED = ("retrain", "evaluate", "report", "judge")
LINK = re.compile(rb"http://127\.0\.0\.1:\d+/lamas/open#\S+")
OPEN = "open to all"
SHOWN = "document.querySelector('main')?.innerText.trim().length ?? 0"
"""Beside the menu stands what only the server can tell."""
ASKED = "document.querySelector('input[type=password]') !== null"
ARRIVED = "document.readyState === 'complete' && location.href !== 'about:blank'"
REFUSALS = ("invalid host", "own address only", "invalid api key", "not found")
Asked = dict[str, object]


@dataclass(kw_only=True)
class Findings:
    """What the pages were able to do."""

    lines: list[str] = field(default_factory=list[str])
    faults: list[str] = field(default_factory=list[str])

    def note(self, line: str, *, fault: bool) -> None:
        self.lines.append(line)
        if fault:
            self.faults.append(line)


@contextmanager
def serving(command: str, home: Path) -> Generator[str, None, None]:
    """`lamas serve` or `lamas ui` on a terminal; yields the link that it prints there."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "flows", command, "llm=simulated", f"home={home}"),
            f"prefect.port={free_port()}",
        ],
        env={**os.environ, "PREFECT_API_URL": ""},
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    os.close(theirs)
    said = b""
    try:
        while not (found := LINK.search(said)):
            said += os.read(ours, 4096)
        yield found[0].decode()
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()
        os.close(ours)


def log_in(page: Page, link: str, picture: Path, findings: Findings) -> None:
    """The printed link opens the UI without asking for anything."""
    page.go(link)
    until(lambda: cast("int", page.value(SHOWN) or 0) > 40)
    asked = page.value(ASKED)
    where = str(page.value("location.pathname + location.hash"))
    page.picture(picture)
    findings.note(
        f"the link opens {where}; a password is {'asked for' if asked else 'not asked for'}; "
        f"picture: {picture}",
        fault=bool(asked) or "#" in where,
    )


def prefect_attacks(identities: Iterable[str], proof: Path) -> list[Asked]:
    """What a page would ask of the server, whose deployments' ids it is even told."""
    step = {"prefect.deployments.steps.run_shell_script": {"script": f"touch {proof}"}}
    requests = [
        _asked("GET", "/api/admin/settings"),
        _asked("GET", "/api/csrf-token?client=me"),
        _asked("POST", "/api/deployments/filter"),
        _asked("POST", "/api/flow_runs/filter"),
    ]
    for identity in identities:
        run: Asked = {
            "parameters": {"overrides": ["llm=endpoint", "llm.base_url=http://evil.example/v1"]}
        }
        place = f"/api/deployments/{identity}"
        requests += [
            _asked("PATCH", place, pull_steps=[step]),
            _asked("POST", f"{place}/create_flow_run", **run),
            _asked("DELETE", place),
        ]
    return requests


def model_attacks() -> list[Asked]:
    """What a page would ask of a model's server."""
    message = {"role": "user", "content": "x"}
    return [
        _asked("GET", "/v1/models"),
        _asked("POST", "/v1/chat/completions", model="any", max_tokens=1, messages=[message]),
        _asked("POST", "/simulated/problems"),
    ]


def _asked(method: str, path: str, **body: object) -> Asked:
    return {"method": method, "path": path, "body": body}


def attack(
    browser: Browser, other: Elsewhere, origin: str, targets: Sequence[Asked], findings: Findings
) -> None:
    """Open the hostile page under `origin`, and hear what it could do."""
    before = len(other.told)
    given = quote(json.dumps({"targets": targets}))
    with browser.page(f"{origin}/#{given}"):
        until(lambda: len(other.told) > before, seconds=240.0)
    read = 0
    for told in other.told[-1]:
        let_in = told["outcome"].startswith("READ")
        if told["target"] == OPEN:
            read += let_in
        else:
            line = f"{origin:<28} {told['target']:<20} {told['name']:<58} {told['outcome']}"
            findings.note(line, fault=let_in)
    findings.note(
        f"{origin}: the server that lets all in was read {read} times and changed "
        f"{other.reached} times",
        fault=not read or not other.reached,
    )


def rebind(browser: Browser, address: str, findings: Findings) -> None:
    """A page whose name was made to mean this machine is that server's own, for a browser."""
    for path in ("/", "/api/admin/settings", "/lamas/identity?nonce=1", "/v1/models"):
        with browser.page(f"{address}{path}") as page:
            # A tab is complete before it has left for anywhere.
            until(lambda page=page: page.value(ARRIVED) is True)
            text = page.text()
        held = any(word in text.lower() for word in REFUSALS)
        findings.note(f"{address}{path}: {text[:100]!r}", fault=not held)


async def run(program: str, pictures: Path, home: Path) -> Findings:
    """All pages against all servers."""
    findings = Findings()
    proof = home.with_name("pwned_by_a_page")
    names = "MAP evil.example 127.0.0.1, MAP rebound.example 127.0.0.1"
    with (
        elsewhere() as other,
        serving("ui", home.with_name("looked at")) as ui_link,
        serving("serve", home) as link,
        SimulatedServer() as simulated,
        chromium(program, [f"--host-resolver-rules={names}"]) as browser,
    ):
        async with EmbeddedServer(EmbeddedSettings(slots=1, context_per_slot=256)) as embedded:
            with browser.page("about:blank") as page:
                log_in(page, ui_link, pictures / "lamas-ui.png", findings)
                log_in(page, link, pictures / "lamas-serve.png", findings)
            served = link.partition("/lamas/")[0]
            asking = client(f"{served}/api", auth_string(home / "prefect"))
            until(lambda: asking.get("deployments/name/report/lamas").is_success)
            before = _deployments(asking)
            prefect = prefect_attacks([str(row["id"]) for row in before.values()], proof)
            models = model_attacks()
            here = f"127.0.0.1:{other.server_port}"
            targets: list[Asked] = [
                _target(OPEN, f"http://localhost:{other.server_port}/", models),
                _target("lamas serve", served, prefect),
                _target("simulated endpoint", simulated.base_url.removesuffix("/v1"), models),
                _target("embedded model", embedded.endpoint().base_url.removesuffix("/v1"), models),
            ]
            for origin in (f"http://evil.example:{other.server_port}", f"http://{here}"):
                await asyncio.to_thread(attack, browser, other, origin, targets, findings)
            for item in targets[1:]:
                address = str(item["root"]).replace("127.0.0.1", "rebound.example")
                rebind(browser, address, findings)
            # What the runner would start by now, it has started.
            await asyncio.sleep(6.0)
            _compare(asking, before, proof, findings)
            # A link of another's making, which the user is led to follow.
            with browser.page(f"{served}/lamas/open#a-string-of-the-attacker") as page:
                until(lambda: "/lamas/open" not in str(page.value("location.pathname")))
            with browser.page(served) as page:
                until(lambda: cast("int", page.value(SHOWN) or 0) > 40)
                asked = page.value(ASKED)
                findings.note(f"the user's page asks for a password: {asked}", fault=bool(asked))
    return findings


def _target(name: str, root: str, paths: Sequence[Asked]) -> Asked:
    return {
        "name": name,
        "root": root.rstrip("/"),
        "paths": list(paths),
        "socket": "/api/events/in",
    }


def _deployments(asking: httpx.Client) -> dict[str, dict[str, object]]:
    rows = {
        name: asking.get(f"deployments/name/{name}/lamas").raise_for_status().json()
        for name in DEPLOYED
    }
    return {
        name: {key: row[key] for key in ("id", "pull_steps", "parameters", "paused")}
        for name, row in rows.items()
    }


def _compare(
    asking: httpx.Client, before: Mapping[str, object], proof: Path, findings: Findings
) -> None:
    """What the pages sent came to nothing."""
    runs = asking.post("flow_runs/filter", json={}).raise_for_status().json()
    # Those of the schedules are there beforehand.
    asked = [row for row in cast("list[Asked]", runs) if not row["auto_scheduled"]]
    findings.note(f"{len(asked)} runs were started by a page", fault=bool(asked))
    changed = _deployments(asking) != before
    findings.note(f"deployments are {'CHANGED' if changed else 'as they were'}", fault=changed)
    findings.note(
        f"the command of a page was {'RUN' if proof.exists() else 'not run'}", fault=proof.exists()
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 1 when a page read or changed anything."""
    parser = argparse.ArgumentParser(prog="python -m tests.attacks.browser", description=__doc__)
    parser.add_argument("--pictures", type=Path, default=Path(), help="folder for screenshots")
    options = parser.parse_args(arguments)
    program = installed()
    if program is None:
        print("skipped: there is no Chromium here; `apt-get install chromium` brings one")
        return 0
    options.pictures.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="lamas-browser-") as folder:
        findings = asyncio.run(run(program, options.pictures.absolute(), Path(folder) / "home"))
    print("\n".join(findings.lines))
    print(f"{len(findings.lines)} attempts and checks, {len(findings.faults)} succeeded or failed")
    for line in findings.faults:
        print(f"FAULT {line}")
    return 1 if findings.faults else 0


if __name__ == "__main__":
    sys.exit(main())
