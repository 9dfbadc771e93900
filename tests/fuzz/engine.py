"""One target under the fuzzer, in a process of its own: libFuzzer ends its process when it is done.

`python -m tests.fuzz.engine TARGET FOLDER OPTION…`: FOLDER keeps inputs, OPTION… are libFuzzer's.
"""

import sys
from pathlib import Path

import atheris

# Only our own readers are watched for new paths; what they are made of is fuzzed by others.
with atheris.instrument_imports(include=["ledger.meter", "consumers.messages"]):
    from tests.fuzz.targets import PLANTED, TARGETS


def main() -> None:
    """Does not return: 0 at the end of the runs or of the time, else where an input failed."""
    name, folder, *options = sys.argv[1:]
    target = (TARGETS | PLANTED)[name]
    corpus = Path(folder) / "corpus"
    corpus.mkdir()
    for number, seed in enumerate(target.seeds):
        (corpus / f"seed-{number}").write_bytes(seed)
    atheris.Setup([sys.argv[0], *options, f"-artifact_prefix={folder}/", str(corpus)], target.run)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
