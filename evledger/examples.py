"""Examples at the end of a command's help."""


def example(*commands: str) -> str:
    """An epilog with commands that are shown as they are typed: click would fold them."""
    return "\n".join(["\b", "Example:" if len(commands) == 1 else "Examples:", *(f"  {each}" for each in commands)])
