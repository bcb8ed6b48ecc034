"""The real service on a disk that is really full, and on one that the kernel has made read-only under it."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from tests.crash import strace
from tests.crash.own_mount import OwnMount, mounted
from tests.crash.scene import PATIENCE, lives_through, opened
from tests.support.served import Served

WRITES = "pwrite64,ftruncate,fsync,fdatasync"


def store(disk: OwnMount, durability: str = "process") -> str:
    return f"store: {{url: 'sqlite:///{disk.at}/lamplighter.db', durability: {durability}}}\n"


@contextmanager
def filled(disk: OwnMount, served: Served) -> Iterator[None]:
    """To the last byte."""
    filler = disk.inside / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (65536, 1):
            with pytest.raises(OSError, match="No space left"):
                while True:
                    file.write(bytes(size))
    try:
        yield
    finally:
        filler.unlink()


@pytest.mark.slow
async def test_a_disk_without_room(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", "-t", "tmpfs", "-o", "size=1m", "lamplighter") as disk:
        async with opened(tmp_path, store(disk), disk.under) as scene:
            await lives_through(scene, partial(filled, disk))
            with filled(disk, scene.served):
                await scene.lives_from_memory()
                await scene.served.end(signal.SIGKILL)
            await scene.served.start()
            await scene.is_refreshed()
            await scene.is_as_before()


@contextmanager
def refused(error: str, served: Served) -> Iterator[None]:
    """Whatever it writes to its database is answered by the kernel as on a disk that has become so under open files."""
    files = (served.database, served.database.with_name(f"{served.database.name}-wal"))
    paths = [word for file in files for word in ("-P", str(file))]
    inject = f"inject={WRITES}:error={error}"
    command = (strace.program(), "-f", "-qq", "-o", "/dev/null", *paths, "-e", inject, "-p", str(served.pid))
    with subprocess.Popen(command) as tracer:
        deadline = time.monotonic() + PATIENCE
        while not is_traced(served.pid):
            assert tracer.poll() is None and time.monotonic() < deadline
            time.sleep(0.01)
        try:
            yield
        finally:
            tracer.send_signal(signal.SIGINT)


def is_traced(pid: int) -> bool:
    """In all its threads."""
    states = [Path(task, "status").read_text() for task in os.scandir(f"/proc/{pid}/task")]
    return all("\nTracerPid:\t0\n" not in state for state in states)


@pytest.mark.slow
@pytest.mark.parametrize("error", ["EROFS", "EIO"])
async def test_a_disk_that_refuses_until_it_is_well_again(tmp_path: Path, error: str) -> None:
    async with opened(tmp_path) as scene:
        await lives_through(scene, partial(refused, error))


def ext4(image: Path) -> Path:
    with image.open("wb") as file:
        file.truncate(8 << 20)
    subprocess.run(("/sbin/mkfs.ext4", "-q", str(image)), check=True)
    return image


def break_down(disk: OwnMount) -> None:
    """What ext4 does with `errors=remount-ro` when it finds something wrong on the disk. No ordinary ``mount -o
    remount,ro`` is taken while files are open for writing."""
    device = Path(disk.run("findmnt", "-n", "-o", "SOURCE", str(disk.at)).strip())
    Path(f"/sys/fs/ext4/{device.name}/trigger_fs_error").write_text("as a test")
    with pytest.raises(OSError, match="Read-only file system"):
        (disk.inside / "anything").touch()


@pytest.mark.slow
async def test_a_disk_that_the_kernel_makes_read_only(tmp_path: Path) -> None:
    """ext4 stays so until it is mounted anew, so the service has to be ended; what `power` had promised is there,
    although the kernel throws away what it had not yet written."""
    how = ("-t", "ext4", "-o", "loop,errors=remount-ro", str(ext4(tmp_path / "image")))
    with mounted(tmp_path / "disk", *how) as disk:
        async with opened(tmp_path, store(disk, "power"), disk.under) as scene:
            await scene.begin()
            break_down(disk)
            await scene.lives_from_memory()
            await scene.served.end(signal.SIGKILL)
            disk.run("umount", str(disk.at))
            disk.run("mount", *how, str(disk.at))
            await scene.served.start()
            await scene.is_refreshed()
            await scene.is_as_before()
