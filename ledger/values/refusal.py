"""How a decision says no."""


class RefusedError(Exception):
    """The proposal is refused; the message says what is wrong in one line."""


class RepeatedError(Exception):
    """What is proposed is already so; nothing is to be stored."""
