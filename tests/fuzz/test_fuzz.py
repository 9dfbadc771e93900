"""A short run of the fuzzer over each target, and proof that it finds what is there to find."""

import sys

import pytest

from tests.fuzz.__main__ import TARGET_NAMES, main
from tests.fuzz.targets import PLANTED, TARGETS

# The fuzzer is published for Linux only.
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="atheris is for Linux")

RUNS = "3000"


@pytest.mark.parametrize("target", TARGET_NAMES)
def test_a_short_run_finds_nothing(target: str, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["--target", target, "--runs", RUNS])
    assert code == 0, capsys.readouterr().out


def test_a_planted_fault_is_found_and_its_input_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--target", "planted", "--runs", "100000"]) == 1
    shown = capsys.readouterr().out
    assert "planted fails on b" in shown
    assert "OCMF|" in shown
    assert "careless_pagination" in shown


def test_every_target_is_part_of_a_campaign() -> None:
    assert set(TARGET_NAMES) == TARGETS.keys()
    assert not TARGETS.keys() & PLANTED.keys()


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_seeds_pass(name: str) -> None:
    target = TARGETS[name]
    assert target.seeds
    for seed in target.seeds:
        target.run(seed)
