"""Programs that try to read, change or remove what lies outside their scratch folder."""

import os

import pytest

from tests.sandbox.proving_ground import PRECIOUS, Attack, Ground, assert_repelled

ATTACKS = {
    "delete a file outside": Attack(program="attempt(os.remove, VICTIM)"),
    "delete a folder outside": Attack(
        program="import shutil\nattempt(shutil.rmtree, GROUND)\nos.path.exists(GROUND)"
    ),
    "overwrite a file outside": Attack(program="attempt(open, VICTIM, 'w')"),
    "append to a file outside": Attack(program="attempt(open, VICTIM, 'a')"),
    "empty a file outside": Attack(
        program="""
attempt(os.truncate, VICTIM, 0)
attempt(os.open, VICTIM, os.O_RDONLY | os.O_TRUNC)
"""
    ),
    "create a file outside": Attack(
        program="""
for folder in (GROUND, "/", "/etc", "/var/tmp", "/dev", "/dev/shm", "/home", "/usr/lib"):
    if attempt(open, folder + "/planted", "w"):
        breach(folder)
"""
    ),
    "read a secret outside": Attack(
        program="""
for path in (SECRET, "/etc/shadow", "/etc/hostname", "/root/.bashrc", "/var/log/dpkg.log"):
    file = attempt(open, path)
    if file:
        breach(path + file.read(20))
"""
    ),
    "list folders outside": Attack(
        program="""
for path in (GROUND, "/home", "/root", "/var", "/proc", "/sys"):
    if attempt(os.listdir, path):
        breach(path)
"""
    ),
    "read the environment": Attack(
        program="""
attempt(str)
if KEY[::-1] in str(dict(os.environ)):
    breach("own environment")
libc.getenv.restype = ctypes.c_char_p
if libc.getenv(b"PROVING_GROUND_API_KEY"):
    breach("libc environment")
"""
    ),
    "read environments in /proc": Attack(
        program="""
for pid in ("self", "1", str(os.getppid()), str(PARENT), str(ZYGOTE)):
    for name in ("environ", "cmdline", "maps", "mem", "fd", "root/etc/passwd"):
        if attempt(open, f"/proc/{pid}/{name}", "rb"):
            breach(pid + name)
"""
    ),
    "follow a symbolic link": Attack(
        program="""
os.symlink(VICTIM, "link")
attempt(open, "link", "w")
if attempt(open, "link"):
    breach("read through a link")
os.symlink("/", "everything")
if attempt(open, "everything" + SECRET):
    breach("read through a linked folder")
"""
    ),
    "climb with ..": Attack(
        program="""
for depth in range(12):
    climb = "../" * depth
    for path in (climb + VICTIM.lstrip("/"), climb + "etc/shadow"):
        if attempt(open, path):
            breach(path)
    attempt(open, climb + VICTIM.lstrip("/"), "w")
os.chdir("..")
attempt(open, "escaped", "w") and breach("parent of scratch")
"""
    ),
    "link a file outside into scratch": Attack(
        program="""
attempt(os.link, VICTIM, "hard")
os.path.exists("hard") and breach("hard link")
attempt(os.rename, VICTIM, "moved")
os.path.exists("moved") and breach("moved here")
open("mine", "w").write("x")
attempt(os.rename, "mine", VICTIM)
attempt(os.link, "mine", GROUND + "/planted")
"""
    ),
    "change modes and owners outside": Attack(
        program="""
attempt(os.chmod, VICTIM, 0)
attempt(os.chown, VICTIM, os.getuid(), os.getgid())
attempt(os.utime, VICTIM, (0, 0))
attempt(os.setxattr, VICTIM, "user.x", b"x")
"""
    ),
    "poison the installation": Attack(
        program="""
import json, sysconfig
for path in (json.__file__, os.__file__, sysconfig.get_paths()["purelib"] + "/sitecustomize.py"):
    if attempt(open, path, "a"):
        breach(path)
    attempt(os.chmod, path, 0o777)
    attempt(os.remove, path)
attempt(os.chmod, sys.executable, 0)
"""
    ),
    "open devices": Attack(
        program="""
for path in ("/dev/sda", "/dev/vda", "/dev/mem", "/dev/kmsg", "/dev/tty", "/dev/ptmx", "/dev/fuse"):
    if attempt(open, path, "rb"):
        breach(path)
attempt(os.mknod, "disk", 0o60666, os.makedev(254, 0))
if attempt(open, "disk", "rb"):
    breach("made a device")
"""
    ),
    "find inherited files": Attack(
        program="""
attempt(str)
for descriptor in range(3, 4096):
    try:
        os.fstat(descriptor)
    except OSError:
        continue
    breach(f"descriptor {descriptor}")
"""
    ),
    "escape by chroot": Attack(
        program="""
os.mkdir("jail")
attempt(os.chroot, "jail")
attempt(os.chroot, ".")
if attempt(open, "/" + "../" * 10 + SECRET.lstrip("/")):
    breach("chroot")
"""
    ),
    "open by handle": Attack(
        program="""
handle = ctypes.create_string_buffer((120).to_bytes(4, sys.byteorder), 128)
mount = ctypes.c_int()
attempt(str)
path = ctypes.create_string_buffer(SECRET.encode())
found = libc.name_to_handle_at(-100, path, handle, ctypes.byref(mount), 0)
found == 0 and breach("handle of a file outside")
"""
    ),
}


@pytest.mark.attack
@pytest.mark.parametrize("name", ATTACKS)
async def test_is_repelled(ground: Ground, name: str) -> None:
    outcome = (await ground.suffer(ATTACKS))[name]
    assert_repelled(ATTACKS[name], outcome)


async def test_nothing_outside_was_touched(ground: Ground) -> None:
    await ground.suffer(ATTACKS)
    assert ground.victim.read_text() == PRECIOUS
    status = ground.victim.stat()
    assert status.st_mode & 0o777 == 0o666
    assert status.st_nlink == 1
    assert status.st_mtime > 0
    assert os.listxattr(ground.victim) == []
    left = sorted(path.name for path in ground.folder.iterdir())
    assert left == ["log.sock", "secret.txt", "victim.txt"]


@pytest.mark.slow
async def test_the_attacks_would_succeed_without_a_sandbox(ground: Ground) -> None:
    # The targets are open to anyone: it is the sandbox that protects them.
    assert os.access(ground.victim, os.R_OK | os.W_OK)
    assert ground.folder.stat().st_mode & 0o777 == 0o777
