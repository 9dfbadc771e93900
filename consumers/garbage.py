"""How often Python looks for garbage in a process that handles messages."""

import gc

# Facts, rows and states refer to each other one way, so they go when the last one lets go of them. Looking for garbage
# in cycles after each 700 new containers was a twentieth of all work; so many more of them are a few megabytes.
GARBAGE_LOOKED_FOR = 50_000


def settle_garbage() -> None:
    """Called once, when all is loaded: that stays, and the collector looked through it again and again (ingest became
    a fifth faster without).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_LOOKED_FOR)
