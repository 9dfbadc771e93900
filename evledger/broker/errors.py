"""The one error of the local broker."""


class BrokerError(Exception):
    """The local broker cannot be had. The message is one line: what, where, and what to do."""
