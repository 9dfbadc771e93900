"""The one error of the embedded server."""


class EmbeddedServerError(Exception):
    """The embedded server cannot be used. The message is one line: what, where, and what to do."""

    def __init__(self, what: str, remedy: str = "") -> None:
        advice = remedy or "name another folder by EVLEDGER_HOME, or a server by EVLEDGER_DATABASE_URL"
        super().__init__(" ".join(f"{what}; {advice}".split()))
