"""The last steps before a model's program runs in its process, and how it is run like a script."""

import builtins
import linecache
import os
import resource
import sys
import threading
import traceback
import types
from collections.abc import Mapping

from lamas.sandbox.inside import judging
from lamas.sandbox.inside.job import Job

NAME = "program.py"
_STACK_BYTES = 64 * 1024 * 1024


def set_limits(limits: Mapping[str, float], processes: int) -> None:
    """Resource limits of this process and, each for itself, of its descendants."""
    seconds = max(1, -int(-limits["cpu_seconds"] // 1))
    memory = int(limits["memory_bytes"])
    wanted = {
        resource.RLIMIT_CPU: (seconds, seconds + 1),
        resource.RLIMIT_AS: (memory, memory),
        resource.RLIMIT_NPROC: (processes, processes),
        resource.RLIMIT_NOFILE: (int(limits["open_files"]),) * 2,
        resource.RLIMIT_FSIZE: (int(limits["scratch_bytes"]),) * 2,
        resource.RLIMIT_STACK: (min(_STACK_BYTES, memory // 4),) * 2,
        # Unlike 0, 1 also keeps the kernel from piping a core to a program of the machine's.
        resource.RLIMIT_CORE: (1, 1),
        resource.RLIMIT_MEMLOCK: (0, 0),
        resource.RLIMIT_MSGQUEUE: (0, 0),
        resource.RLIMIT_RTPRIO: (0, 0),
        resource.RLIMIT_NICE: (0, 0),
    }
    for which, (soft, hard) in wanted.items():
        ceiling = resource.getrlimit(which)[1]
        if ceiling != resource.RLIM_INFINITY:
            soft, hard = min(soft, ceiling), min(hard, ceiling)
        resource.setrlimit(which, (soft, hard))


def environment(scratch: str, packages: tuple[str, ...]) -> dict[str, str]:
    """All the program gets: nothing of the parent's."""
    return {
        "HOME": scratch,
        "TMPDIR": scratch,
        "PATH": f"{os.path.realpath(sys.base_prefix)}/bin:/usr/bin:/bin",
        "PYTHONPATH": ":".join(packages),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "MPLBACKEND": "agg",
    }


def forget_the_zygote(packages: tuple[str, ...]) -> None:
    """Leaves the interpreter as a fresh script would find it."""
    for name in [name for name in sys.modules if name == "lamas" or name.startswith("lamas.")]:
        del sys.modules[name]
    sys.argv = [NAME]
    sys.path = [path for path in sys.path if path.startswith(sys.base_prefix)] + list(packages)


def run(job: Job) -> int:
    """Runs the job's code to its end; the exit code a script of that text would have had."""
    linecache.cache[NAME] = (len(job.program), None, job.program.splitlines(keepends=True), NAME)
    checker = job.checker
    linecache.cache["checker.py"] = (len(checker), None, checker.splitlines(True), "checker.py")
    try:
        if job.role == "candidate":
            judging.serve(job.program, job.names)
        elif job.role == "checker":
            judging.check(job.setup, checker, job.names, job.verdict)
        else:
            _run_as_main(job.program)
    except SystemExit as stop:
        return _exit_code(stop)
    except BaseException as error:  # whatever the program raises is its result
        _show(error)
        return 1
    return 0


def _run_as_main(text: str) -> None:
    main = types.ModuleType("__main__")
    main.__dict__.update({"__builtins__": builtins, "__file__": NAME})
    sys.modules["__main__"] = main
    exec(compile(text, NAME, "exec"), main.__dict__)


def _exit_code(stop: SystemExit) -> int:
    if stop.code is None:
        return 0
    if isinstance(stop.code, int):
        return stop.code & 0xFF
    builtins.print(stop.code, file=sys.stderr)
    return 1


def _show(error: BaseException) -> None:
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename == __file__:
        frames = frames.tb_next
    try:
        traceback.print_exception(type(error), error, frames)
    except BaseException:  # out of memory or stack: the kind alone still tells
        os.write(2, f"{type(error).__name__}\n".encode())


def finish(code: int) -> None:
    """Ends as the interpreter would: threads, exit handlers, buffers; then leaves at once.

    Freeing every object one by one would cost more than many programs take.
    """
    try:
        shutdown = getattr(threading, "_shutdown", None)
        if shutdown is not None:
            shutdown()
        _run_exit_handlers()
        for stream in (sys.stdout, sys.stderr):
            if stream is not None and not stream.closed:
                stream.flush()
    except BaseException as error:
        code = code or (_exit_code(error) if isinstance(error, SystemExit) else 120)
    os._exit(code)


def _run_exit_handlers() -> None:
    import atexit

    handlers = getattr(atexit, "_run_exitfuncs", None)
    if handlers is not None:
        handlers()
