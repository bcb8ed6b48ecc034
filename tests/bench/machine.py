"""What the benches need of the machine: processors, the compiled load, and what a process has used."""

import os
import shutil
import subprocess
from pathlib import Path

SERVER_CPU, LOAD_CPU = 0, min(1, (os.cpu_count() or 1) - 1)
SOURCE = Path(__file__).with_name("load.c")


def pinned(cpu: int, *command: object) -> list[str]:
    """The command, on one processor where that can be said."""
    words = [str(word) for word in command]
    return ["taskset", "-c", str(cpu), *words] if shutil.which("taskset") else words


def build_load(folder: Path) -> Path:
    """The load generator, compiled into ``folder``. Raises SystemExit in words when there is no C compiler."""
    compiler = next((name for name in ("cc", "gcc", "clang") if shutil.which(name)), None)
    if compiler is None:
        raise SystemExit("a C compiler is needed for the load, e.g. apt install gcc libc6-dev")
    program = folder / "load"
    subprocess.run([compiler, "-O2", "-o", program, SOURCE], check=True)
    return program


def peak(pid: int) -> float:
    """The most memory (RSS) that a process has had, in MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1000
    raise ValueError("no such figure")


def processor_seconds(pid: int) -> float:
    """User and system time of a process and of its children that still run."""
    seconds = 0.0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(stat.parent.name) == pid or int(fields[1]) == pid:
            seconds += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return seconds
