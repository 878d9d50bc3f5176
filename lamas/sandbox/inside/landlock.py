"""Landlock: which files a process and its descendants may still touch."""

import ctypes
import os
from collections.abc import Iterable

from lamas.sandbox.inside import kernel

EXECUTE = 1 << 0
WRITE_FILE = 1 << 1
READ_FILE = 1 << 2
READ_DIR = 1 << 3
REMOVE_DIR = 1 << 4
REMOVE_FILE = 1 << 5
MAKE_CHAR = 1 << 6
MAKE_DIR = 1 << 7
MAKE_REG = 1 << 8
MAKE_SOCK = 1 << 9
MAKE_FIFO = 1 << 10
MAKE_BLOCK = 1 << 11
MAKE_SYM = 1 << 12
REFER = 1 << 13
TRUNCATE = 1 << 14
IOCTL_DEV = 1 << 15

READ_TREE = EXECUTE | READ_FILE | READ_DIR
SCRATCH = (
    WRITE_FILE | READ_FILE | READ_DIR | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG
    | MAKE_FIFO | MAKE_SYM | REFER | TRUNCATE
)  # fmt: skip
DEVICE = READ_FILE | WRITE_FILE | TRUNCATE
_FILE_RIGHTS = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV

_ADDED_BY_ABI = {2: REFER, 3: TRUNCATE, 5: IOCTL_DEV}
_NET_TCP = 0b11
_SCOPE_ABSTRACT_UNIX_AND_SIGNALS = 0b11
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION = 1
_PATH_BENEATH = 1


class _RulesetAttributes(ctypes.Structure):
    _fields_ = [
        ("handled_access_fs", ctypes.c_uint64),
        ("handled_access_net", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),
    ]


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = [
        ("allowed_access", ctypes.c_uint64),
        ("parent_fd", ctypes.c_int32),
    ]


def abi() -> int:
    """Version of Landlock in this kernel; 0 when it has none or it is switched off."""
    null = ctypes.c_void_p(None)
    try:
        return kernel.syscall(
            _CREATE_RULESET, "landlock", null, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION)
        )
    except OSError:
        return 0


def scopes_signals(version: int) -> bool:
    """Whether this version can keep signals inside the domain."""
    return version >= 6


def guards_truncation(version: int) -> bool:
    """Whether this version can keep files from being emptied by those who may not write them."""
    return version >= 3


def restrict(rules: Iterable[tuple[str, int]], version: int) -> None:
    """Keeps only `rules` (path, rights beneath it) for this process and all its descendants.

    Paths that do not exist are left out. TCP and, where the version has them, abstract sockets and
    signals to the outside are denied altogether. Needs no_new_privs. Raises OSError.
    """
    handled = (1 << 13) - 1
    for since, right in _ADDED_BY_ABI.items():
        if version >= since:
            handled |= right
    attributes = _RulesetAttributes(
        handled,
        _NET_TCP if version >= 4 else 0,
        _SCOPE_ABSTRACT_UNIX_AND_SIGNALS if scopes_signals(version) else 0,
    )
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    ruleset = kernel.syscall(
        _CREATE_RULESET,
        "landlock ruleset",
        ctypes.byref(attributes),
        ctypes.c_size_t(size),
        ctypes.c_uint32(0),
    )
    try:
        for path, rights in rules:
            _allow(ruleset, path, rights & handled)
        kernel.syscall(_RESTRICT_SELF, "landlock", ctypes.c_int(ruleset), ctypes.c_uint32(0))
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except (FileNotFoundError, PermissionError):
        return
    try:
        if not os.path.isdir(path):
            rights &= _FILE_RIGHTS
        rule = _PathBeneath(rights, place)
        kernel.syscall(
            _ADD_RULE,
            f"landlock rule for {path}",
            ctypes.c_int(ruleset),
            ctypes.c_int(_PATH_BENEATH),
            ctypes.byref(rule),
            ctypes.c_uint32(0),
        )
    finally:
        os.close(place)
