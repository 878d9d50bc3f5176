"""`python -m lamas.sandbox` prints which barriers are active here."""

import asyncio
import sys

from lamas.errors import SandboxError
from lamas.sandbox.barriers import REQUIRED, missing
from lamas.sandbox.process import ProcessSandbox


async def _show() -> int:
    async with ProcessSandbox(allow_weak=True) as sandbox:
        for barrier in sandbox.barriers:
            print(barrier)
        for problem in sandbox.problems:
            print(f"passed over: {problem}")
        lacking = missing(sandbox.barriers)
        for wanted in REQUIRED:
            print(f"{wanted.protection}: {'MISSING' if wanted in lacking else 'yes'}")
        return 1 if lacking else 0


def main() -> int:
    """Exit code 0 when programs written by a model may run here, 1 when not."""
    try:
        return asyncio.run(_show())
    except SandboxError as error:
        print(error, file=sys.stderr)
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
