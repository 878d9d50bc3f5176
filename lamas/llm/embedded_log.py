"""What the embedded server wrote: its log, and the first line of it that tells why it ended."""

import os
import re
import tempfile
from pathlib import Path
from typing import IO

from lamas.domain.printable import printable

_MOST_BYTES = 1 << 18
_MOST_CHARACTERS = 300
# llama.cpp's own form: a time, the letter of the severity, the message.
_COMPLAINT = re.compile(r"^[\d.]+ E (.+)$", re.MULTILINE)


def _opened(path: Path | None) -> IO[bytes]:
    return tempfile.TemporaryFile() if path is None else path.open("a+b")


class ServerLog:
    """A file that starts of one server append to; for one start at a time."""

    def __init__(self, path: Path | None) -> None:
        """None is a temporary file."""
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        # Open for as long as the server may write to it.
        self.file = _opened(path)
        self._begun = 0

    def begin(self) -> None:
        """From here on the log is that of another start."""
        self._begun = os.fstat(self.file.fileno()).st_size

    def reason(self) -> str:
        """Why this start went wrong: llama.cpp's first complaint, or else the last line."""
        text = os.pread(self.file.fileno(), _MOST_BYTES, self._begun).decode(errors="replace")
        complaint = _COMPLAINT.search(text)
        lines = [complaint[1]] if complaint else text.strip().splitlines()[-1:]
        return printable(" ".join(" ".join(lines).split()))[:_MOST_CHARACTERS] or "it wrote nothing"

    def close(self) -> None:
        """Close the file; a temporary one is gone then."""
        self.file.close()
