"""Functions, classes, methods and imports that nothing uses: `python -m tests.architecture.dead_code`.

vulture cannot tell a field of a struct from a variable, so variables and attributes are left to ruff (F841).
"""

import sys

from vulture.core import Item, Vulture

from tests.architecture.source import ALL_CODE, PACKAGES, ROOT

REPORTED = ("function", "class", "method", "property", "import", "unreachable_code")
# Called by their frameworks, by decorator or by name.
IGNORED_DECORATORS = ["@*.command", "@*.group", "@*.register", "@*validator*", "@*_serializer", "@pytest.*"]
IGNORED_NAMES = [
    "_",  # functools.singledispatch and match
    # the event library's own hooks
    "to_stored_event",
    "to_domain_event",
    "construct_*",
    "insert_events",
    # rich calls this
    "on_broken_pipe",
    # psycopg's Dumper
    "dump",
    # click and kafka call these
    "convert",
    "on_partitions_*",
    "_unpack_records",
    # http.server and html.parser
    "do_*",
    "handle_*",
]


def dead_code() -> list[Item]:
    """What nothing in the project or its tests uses, and no framework calls."""
    vulture = Vulture(ignore_names=IGNORED_NAMES, ignore_decorators=IGNORED_DECORATORS)
    vulture.scavenge([str(ROOT / folder) for folder in ALL_CODE])
    return [item for item in vulture.get_unused_code(min_confidence=60) if is_reported(item)]


def is_reported(item: Item) -> bool:
    """Tests count as users; their own functions are pytest's to call."""
    in_package = item.filename.relative_to(ROOT).parts[0] in PACKAGES
    return in_package and item.typ in REPORTED


if __name__ == "__main__":
    found = [item.get_report() for item in dead_code()]
    sys.stdout.writelines(f"{line}\n" for line in found)
    sys.exit(bool(found))
