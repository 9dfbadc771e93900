"""Bytes at random, led by which lines of ours they reach: `python -m tests.fuzz --seconds 300 --seed 1`.

All targets of tests/fuzz/targets.py share the time; `--target` takes one, `--runs` counts inputs instead of seconds.
Exit 1 where an input failed: its bytes are shown and kept.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from tests.architecture.source import ROOT

TARGET_NAMES = ("ocmf-records", "ocmf-keys", "ocpp", "messages")
# A message may have 256 KiB, but what breaks a reader is small.
INPUT_BYTES_MAX = 4_096
# One input that takes this long is a fault by itself.
INPUT_SECONDS_MAX = 10
MEMORY_MB_MAX = 2_048
# Where the traceback stands in what the fuzzer says.
TRACEBACK = "Uncaught Python exception"
SHOWN_LINES = 30


class Found(NamedTuple):
    """An input on which a target failed, where it is kept, and what was raised."""

    target: str
    data: bytes
    kept: Path
    said: str


def fuzz(target: str, seed: int, limit: str) -> Found | None:
    """One target until `limit` (libFuzzer's -runs=N or -max_total_time=S); None where nothing was found.

    RuntimeError where the fuzzer itself failed.
    """
    folder = Path(tempfile.mkdtemp(prefix=f"fuzz-{target}-"))
    options = [
        limit,
        f"-seed={seed}",
        f"-max_len={INPUT_BYTES_MAX}",
        f"-timeout={INPUT_SECONDS_MAX}",
        f"-rss_limit_mb={MEMORY_MB_MAX}",
    ]
    command = [sys.executable, "-m", "tests.fuzz.engine", target, str(folder), *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode == 0:
        shutil.rmtree(folder)
        return None
    said = f"{done.stdout}{done.stderr}"
    for kept in (path for path in folder.iterdir() if path.is_file()):
        return Found(target, kept.read_bytes(), kept, _shown(said))
    raise RuntimeError(f"the fuzzer ended with {done.returncode}: {said[-2_000:]}")


def _shown(said: str) -> str:
    _, _, after = said.partition(TRACEBACK)
    return "\n".join((after or said).splitlines()[:SHOWN_LINES])


def main(arguments: list[str] | None = None) -> int:
    """The exit code."""
    options = _parser().parse_args(arguments)
    targets = [options.target] if options.target else TARGET_NAMES
    limit = f"-runs={options.runs}" if options.runs else f"-max_total_time={max(options.seconds // len(targets), 1)}"
    found = [each for each in (fuzz(target, options.seed, limit) for target in targets) if each is not None]
    for each in found:
        sys.stdout.write(f"{each.target} fails on {each.data!r}, kept in {each.kept}\n{each.said}\n")
    sys.stdout.write(f"{len(targets)} targets, {limit.lstrip('-')}, seed {options.seed}: {len(found)} inputs failed\n")
    return int(bool(found))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--target", choices=[*TARGET_NAMES, "planted"])
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("--runs", type=int)
    parser.add_argument("--seed", type=int, default=1)
    return parser


if __name__ == "__main__":
    sys.exit(main())
