"""Faults of sending, by whether the message may have been accepted."""


class Setback(Exception):
    """A fault after which the message was certainly not accepted."""


class Temporary(Setback):
    """A fault to retry: a 4xx answer, a lost connection, a silent server.

    Parameters
    ----------
    text : str
    wait : float
        The seconds that the server asks to wait before the next try.
    """

    def __init__(self, text: str = "", wait: float = 0.0) -> None:
        super().__init__(text)
        self.wait = wait


class Unreachable(Temporary):
    """No connection to the server."""


class Refused(Setback):
    """The server refuses this message with a 5xx answer."""


class Unusable(Setback):
    """The server can take no message: no TLS, a wrong certificate, a wrong password."""


class Uncertain(Exception):
    """The message was sent whole and no answer came: it may have been accepted."""
