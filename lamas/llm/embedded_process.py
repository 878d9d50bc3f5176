"""The child process around llama.cpp's server; it ends when its parent does.

Run as a plain script: importing `lamas` here would only make the start slower.
"""

import importlib
import json
import os
import select
import sys
import threading
from typing import Protocol, cast

PARENT_CHECK_SECONDS = 1.0


class _Cpu(Protocol):
    n_threads: int
    poll: int


class _ModelFile(Protocol):
    path: str


class _Params(Protocol):
    model: _ModelFile
    model_alias: set[str]
    hostnames: list[str]
    port: int
    api_keys: list[str]
    cors_origins: str
    cors_credentials: bool
    n_parallel: int
    n_ctx: int
    n_gpu_layers: int
    cpuparams: _Cpu
    cpuparams_batch: _Cpu
    cont_batching: bool
    cache_prompt: bool
    cache_ram_mib: int
    ui: bool
    endpoint_slots: bool
    verbosity: int


class _Server(Protocol):
    listening_address: str


class _LlamaCpp(Protocol):
    """The part of `xllamacpp`, a compiled module without types, that is used here."""

    def CommonParams(self) -> _Params: ...  # noqa: N802

    def Server(self, params: _Params) -> _Server: ...  # noqa: N802


def _end_with_parent(parent: int) -> None:
    """Leave when standard input closes or the parent is another one.

    The kernel closes the pipe however the parent ends. A process that the parent forked may hold
    a copy of it, hence the second look. PR_SET_PDEATHSIG would end this process with the parent's
    *thread*, and flows start servers from threads that come and go.
    """
    while os.getppid() == parent:
        readable, _, _ = select.select([0], [], [], PARENT_CHECK_SECONDS)
        if readable and not os.read(0, 1):
            break
    os._exit(0)


def _serve(options: dict[str, object], ready: int) -> None:
    llama_cpp = cast("_LlamaCpp", importlib.import_module("xllamacpp"))
    threads = cast("int", options["threads"])
    slots = cast("int", options["slots"])
    params = llama_cpp.CommonParams()
    params.model.path = cast("str", options["gguf"])
    params.model_alias = {cast("str", options["model"])}
    params.hostnames = ["127.0.0.1"]
    params.port = cast("int", options["port"])
    # No web page has business here, and no other program of this machine.
    params.api_keys = [os.environ.pop("LAMAS_EMBEDDED_KEY")]
    params.cors_origins = "http://127.0.0.1"
    params.cors_credentials = False
    params.n_parallel = slots
    params.n_ctx = slots * cast("int", options["context_per_slot"])
    params.n_gpu_layers = cast("int", options["gpu_layers"])
    params.cpuparams.n_threads = threads
    params.cpuparams_batch.n_threads = threads
    params.cpuparams.poll = params.cpuparams_batch.poll = cast("int", options["poll"])
    # Prompts of one operator share their beginning: each slot keeps its cache and continues it.
    params.cont_batching = params.cache_prompt = True
    params.cache_ram_mib = cast("int", options["prompt_cache_mib"])
    params.ui = False
    params.endpoint_slots = False
    params.verbosity = 1
    server = llama_cpp.Server(params)
    os.write(ready, json.dumps({"address": server.listening_address}).encode() + b"\n")
    os.close(ready)
    threading.Event().wait()


def main() -> None:
    """Serve what the JSON in the first argument says; the address goes to standard output."""
    options = cast("dict[str, object]", json.loads(sys.argv[1]))
    parent = cast("int", options["parent"])
    threading.Thread(target=_end_with_parent, args=(parent,), daemon=True).start()
    # The library prints to standard output too; the parent reads one line from it and no more.
    ready = os.dup(1)
    os.dup2(2, 1)
    _serve(options, ready)


if __name__ == "__main__":
    main()
