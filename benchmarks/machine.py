"""The machine that figures were taken on, in one line."""

import os
import platform
import re
import subprocess
from pathlib import Path

from evledger.embedded import wheel_binaries

KIB_PER_GIB = 1024 * 1024


def describe_machine() -> str:
    """CPU model, cores, memory, kernel, Python and PostgreSQL, in one line."""
    parts = [_cpu(), f"{os.cpu_count()} cores", _memory(), f"Linux {platform.release()}"]
    return ", ".join([*parts, f"Python {platform.python_version()}", _postgresql()])


def _cpu() -> str:
    found = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1].strip() if found else platform.machine()


def _memory() -> str:
    found = re.search(r"^MemTotal:\s+(\d+) kB", Path("/proc/meminfo").read_text(), re.MULTILINE)
    return f"{round(int(found[1]) / KIB_PER_GIB)} GiB" if found else "memory unknown"


def _postgresql() -> str:
    said = subprocess.check_output([wheel_binaries() / "postgres", "--version"], text=True)
    return "PostgreSQL " + said.split()[-1]
