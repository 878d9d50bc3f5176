"""How stable identifiers and seeds are derived from values."""

import hashlib
import json


def digest(*parts: object) -> str:
    """32 hexadecimal digits of BLAKE2b over the canonical JSON of `parts`.

    Equal values give equal digests in every process and on every machine. Raises TypeError for
    values that JSON cannot hold.
    """
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def derive_seed(*parts: object) -> int:
    """A seed in [0, 2^31) that is a function of `parts` alone (what the OpenAI `seed` accepts)."""
    return int(digest(*parts)[:8], 16) & 0x7FFF_FFFF
