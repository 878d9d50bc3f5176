"""A fitted profile as a YAML file that says beside each number where it comes from."""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import yaml

from lamas.calibration.fit import Calibration
from lamas.calibration.observations import Finding
from lamas.errors import ConfigurationError

_INDENT = 2


def profile_text(calibration: Calibration, remarks: Sequence[str]) -> str:
    """The profile's YAML under `remarks` and the list of what could not be told."""
    header = [*remarks, "", "Could not be told, and kept from the starting profile:"]
    header += [f"  {item.key}: {item.note}" for item in calibration.kept]
    header += ["", "Numbers without a remark are the starting profile's."]
    comment = "".join(f"# {line}".rstrip() + "\n" for line in header)
    content = calibration.profile.model_dump(mode="json", exclude_none=True)
    plain = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=1000)
    notes = {item.path: _note(item) for item in calibration.findings}
    return comment + "\n" + _annotated(plain, notes)


def write_profile(path: Path, text: str) -> None:
    """Put the file there in one step; ConfigurationError when that cannot be done."""
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=path.parent, prefix=f".{path.name}.", delete=False
        ) as file:
            file.write(text)
        Path(file.name).chmod(0o644)
        os.replace(file.name, path)
    except OSError as error:
        raise ConfigurationError(
            f"calibration.output={path} cannot be written ({error.strerror}); "
            "name a file in a folder that exists and is yours"
        ) from None


def _note(finding: Finding) -> str:
    if not finding.fitted:
        return f"kept: {finding.note}"
    error = "" if finding.error is None else f" ± {finding.error:.2g}"
    return f"fitted{error}: {finding.note}; was {finding.before:.4g}"


def _annotated(plain: str, notes: dict[tuple[str, ...], str]) -> str:
    """`plain` with a remark behind each line whose key has one."""
    lines: list[str] = []
    above: list[str] = []
    place = -1
    for line in plain.splitlines():
        text = line.lstrip()
        depth = (len(line) - len(text)) // _INDENT
        if text.startswith("- "):
            # A list stands at the depth of its key.
            place += 1
            note = notes.get((*above[: depth + 1], str(place)))
        else:
            place = -1
            key = str(next(iter(yaml.safe_load(text))))
            above = [*above[:depth], key]
            note = notes.get(tuple(above))
        lines.append(f"{line}  # {note}" if note else line)
    return "\n".join(lines) + "\n"


def check_writable(output: Path) -> None:
    """Raise ConfigurationError when no file can be put there."""
    try:
        if output.is_dir():
            raise IsADirectoryError(21, "it is a folder")
        with tempfile.NamedTemporaryFile(dir=output.parent, prefix=f".{output.name}."):
            pass
    except OSError as error:
        raise ConfigurationError(
            f"calibration.output={output} cannot be written ({error.strerror}); "
            "name a file in a folder that exists and is yours"
        ) from None
